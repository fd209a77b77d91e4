package interop

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// The managers that newManager makes are closed with their test.
var newManager, create = shardtest.New, shardtest.Create

// program returns where a program of a Debian package is.
func program(t testing.TB, name, pkg string) string {
	t.Helper()
	for _, path := range []string{name, filepath.Join("/usr/sbin", name)} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Fatalf("%s is missing: apt-get install -y --no-install-recommends %s", name, pkg)
	return ""
}

// add appends one event and returns it as stored.
func add(t testing.TB, s *shard.Session, e ring.Event) ring.Event {
	t.Helper()
	stored, err := s.Append(e)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// fill appends n events with numbered data and returns them as stored.
func fill(t testing.TB, s *shard.Session, n int) []ring.Event {
	t.Helper()
	events := make([]ring.Event, n)
	for i := range events {
		events[i] = add(t, s, ring.Event{Data: fmt.Appendf(nil, "event %d", i)})
	}
	return events
}

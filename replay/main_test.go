package replay

import (
	"errors"
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// The managers that newManager makes are closed with their test.
var newManager, create = shardtest.New, shardtest.Create

func newSession(t testing.TB, cfg ring.Config) *shard.Session {
	t.Helper()
	return create(t, newManager(t, shard.Config{Ring: cfg}), "s", "")
}

// add appends events without an ID, "stream:data" or "data" each, and returns the last one as
// stored.
func add(t testing.TB, s *shard.Session, events ...string) ring.Event {
	t.Helper()
	var stored ring.Event
	for _, spec := range events {
		e := ring.Event{Data: []byte(spec)}
		for i, c := range spec {
			if c == ':' {
				e.Stream, e.Data = spec[:i], []byte(spec[i+1:])
				break
			}
		}
		var err error
		if stored, err = s.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	return stored
}

// fill appends n events "1", "2", … and returns them as stored.
func fill(t testing.TB, s *shard.Session, n int) []ring.Event {
	t.Helper()
	var events []ring.Event
	for i := range n {
		events = append(events, add(t, s, fmt.Sprint(i+1)))
	}
	return events
}

func mustOpen(t testing.TB, s *shard.Session, at Position) Reader {
	t.Helper()
	r, err := open(s, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// texts returns the data of events, for comparison.
func texts(events []ring.Event) []string {
	all := []string{}
	for _, e := range events {
		all = append(all, string(e.Data))
	}
	return all
}

// ready reads what is ready from r.
func ready(r Reader) []string {
	var e ring.Event
	var all []ring.Event
	for r.Next(&e) {
		all = append(all, e)
	}
	return texts(all)
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

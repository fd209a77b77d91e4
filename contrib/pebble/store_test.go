package pebble

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Subject{
		Open: func(t testing.TB, c storetest.Config) replay.Store {
			return openStore(t, t.TempDir(), Config{
				Ring: c.Ring, MaxSessions: c.MaxSessions, MaxPerPrincipal: c.MaxPerPrincipal, MaxAttached: c.MaxAttached,
				TTL: c.TTL, Linger: c.Linger, fs: vfs.NewMem(),
			})
		},
		Finish: func(ctx context.Context, s replay.Store, id string) error { return s.(*Store).Finish(ctx, id) },
		Lacks:  storetest.Budget,
	})
}

// openStore opens a directory and closes it at the end of the test.
func openStore(t testing.TB, dir string, cfg Config) *Store {
	t.Helper()
	s, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

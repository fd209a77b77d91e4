package pebble

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
)

// On a clock that is moved by hand times are exact, on the real one there are real races, and on
// the real disk real syncs.
func TestConformance(t *testing.T) {
	conform(t, true, func(testing.TB) Config { return Config{fs: vfs.NewMem()} })
}

func TestConformanceInRealTime(t *testing.T) {
	conform(t, false, func(testing.TB) Config { return Config{fs: vfs.NewMem()} })
}

func TestConformanceWithSyncEvery(t *testing.T) {
	conform(t, true, func(testing.TB) Config { return Config{fs: vfs.NewMem(), SyncEvery: 10 * time.Millisecond} })
}

func conform(t *testing.T, fakeTime bool, base func(testing.TB) Config) {
	storetest.Run(t, storetest.Subject{
		FakeTime: fakeTime,
		Open: func(t testing.TB, c storetest.Config) replay.Store {
			cfg := base(t)
			cfg.Ring, cfg.MaxSessions, cfg.MaxPerPrincipal, cfg.MaxAttached = c.Ring, c.MaxSessions,
				c.MaxPerPrincipal, c.MaxAttached
			cfg.TTL, cfg.Linger = c.TTL, c.Linger
			return openStore(t, "d", cfg)
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

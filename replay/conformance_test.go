package replay_test

import (
	"context"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
	"github.com/reprise-go/reprise/shard"
)

// finisher is a Local that can finish sessions. Handler sees that it is not one of this package.
type finisher struct {
	replay.Store
	m *shard.Manager
}

func newFinisher(t testing.TB, cfg storetest.Config) replay.Store {
	t.Helper()
	m, err := shard.New(shard.Config{
		Ring: cfg.Ring, MaxSessions: cfg.MaxSessions, MaxPerPrincipal: cfg.MaxPerPrincipal, MaxAttached: cfg.MaxAttached,
		MaxBytes: cfg.MaxBytes, TTL: cfg.TTL, Linger: cfg.Linger,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return finisher{replay.Local(m), m}
}

func (f finisher) finish(id string) error {
	s, err := f.m.Get(id)
	if err != nil {
		return err
	}
	return s.Finish()
}

func TestLocalConforms(t *testing.T) {
	t.Run("as it is", func(t *testing.T) {
		storetest.Run(t, storetest.Subject{
			FakeTime: true,
			Open:     func(t testing.TB, cfg storetest.Config) replay.Store { return newFinisher(t, cfg).(finisher).Store },
		})
	})
	t.Run("like a Store of somebody else's", func(t *testing.T) {
		storetest.Run(t, storetest.Subject{
			FakeTime: true,
			Open:     newFinisher,
			Beside:   func(_ testing.TB, first replay.Store) replay.Store { return first },
			Finish:   func(_ context.Context, s replay.Store, id string) error { return s.(finisher).finish(id) },
		})
	})
}

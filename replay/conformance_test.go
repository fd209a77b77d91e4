package replay_test

import (
	"context"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
	"github.com/reprise-go/reprise/shard"
)

func newLocal(t testing.TB, cfg storetest.Config) replay.Store {
	t.Helper()
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return replay.Local(m)
}

// finisher hides what Local is from a Handler, and all optional interfaces but one.
type finisher struct{ replay.Store }

func (f finisher) Finish(ctx context.Context, id string) error {
	return replay.Finish(ctx, f.Store, id)
}

func TestLocalConforms(t *testing.T) {
	t.Run("as it is", func(t *testing.T) {
		storetest.Run(t, storetest.Subject{FakeTime: true, Open: newLocal})
	})
	t.Run("like a Store of somebody else's", func(t *testing.T) {
		storetest.Run(t, storetest.Subject{
			FakeTime: true,
			Open:     func(t testing.TB, cfg storetest.Config) replay.Store { return finisher{newLocal(t, cfg)} },
			Beside:   func(_ testing.TB, first replay.Store) replay.Store { return first },
		})
	})
}

package mcpstore

import (
	"context"
	"errors"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestRingDefaultIsThatOfPackageRing(t *testing.T) {
	if got := shardtest.New(t, shard.Config{}).Config().Ring.MaxEventBytes; got != ringDefault {
		t.Fatalf("ring's default is %d, ours is %d", got, ringDefault)
	}
}

func TestASessionHasRoomForImagesUnlessSomebodySaysOtherwise(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		store, adapter int // MaxEventBytes
		fits           int
	}{
		"nothing is configured":    {0, 0, DefaultMaxEventBytes},
		"the Store is configured":  {2 * mib, 0, 2 * mib},
		"both are":                 {2 * mib, 3 * mib, 3 * mib},
		"as the Store has it":      {0, -1, mib},
		"more than the Store says": {0, 20 * mib, 20 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			m := shardtest.New(t, shard.Config{Ring: ring.Config{MaxBytes: 32 * mib, MaxEventBytes: c.store}})
			store := replay.Local(m)
			if _, err := Create(t.Context(), store, c.adapter, "s", shard.Metadata{Principal: "alice"}); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Append(t.Context(), "s", ring.Event{ID: "1", Data: make([]byte, c.fits-1)}); err != nil {
				t.Errorf("an event of %d bytes: %v", c.fits, err)
			}
			if _, err := store.Append(t.Context(), "s", ring.Event{ID: "2", Data: make([]byte, c.fits)}); !errors.Is(
				err,
				ring.ErrEventTooLarge,
			) {
				t.Errorf("an event of %d bytes: %v", c.fits+1, err)
			}
			if info, err := m.Info("s"); err != nil || info.Principal != "alice" {
				t.Errorf("principal %q, %v", info.Principal, err)
			}
		})
	}
}

func TestASessionTakesTheAdaptersIDsWhereOthersAreShorter(t *testing.T) {
	for _, size := range []int{0, -1, 1 << 20} {
		m, err := shard.New(shard.Config{Ring: ring.Config{MaxIDBytes: 10}})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		id, err := Create(t.Context(), replay.Local(m), size, "", shard.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.Get(id)
		if err != nil || s.Limits().MaxIDBytes != ring.MaxIDBytes {
			t.Errorf("size %d: %+v, %v", size, s.Limits(), err)
		}
	}
}

func TestAStoreThatCannotSizeItsSessionsKeepsItsOwnLimit(t *testing.T) {
	store := struct{ replay.Store }{replay.Local(shardtest.New(t, shard.Config{}))} // hides what is optional
	if id, err := Create(context.Background(), store, 0, "s", shard.Metadata{}); err != nil || id != "s" {
		t.Errorf("by default: %q, %v", id, err)
	}
	if _, err := Create(context.Background(), store, 1<<22, "t", shard.Metadata{}); !errors.Is(
		err,
		replay.ErrUnsupported,
	) {
		t.Errorf("on demand: %v", err)
	}
}

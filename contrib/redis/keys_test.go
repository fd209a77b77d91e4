package redis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Whatever was called in whatever order: every key has an expiry, and when that is over none is
// left.
func TestNothingIsLeftOnTheServer(t *testing.T) {
	client := dial(t, startServer(t))
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := newStore(t, client, Config{
				MaxSessions: []int{0, -1}[seed%2], MaxPerPrincipal: int(seed % 3 * 4), TTL: 700 * time.Millisecond,
				Linger: 300 * time.Millisecond, Lease: time.Second, Ring: ring.Config{MaxEvents: 8},
			})
			rnd := rand.New(rand.NewPCG(seed, 1))
			var readers []replay.Reader
			for range 400 {
				readers = anything(t, s, rnd, readers)
			}
			if keys := immortal(t, s); len(keys) > 0 {
				t.Errorf("%d keys have no expiry, such as %q", len(keys), keys[0])
			}
			for _, r := range readers {
				r.Close()
			}
			Eventually(t, "all keys are gone", func() bool { return len(keysOf(t, s)) == 0 })
		})
	}
}

// anything calls one method, with what may be right or not.
func anything(t *testing.T, s *Store, rnd *rand.Rand, readers []replay.Reader) []replay.Reader {
	ctx, id := t.Context(), fmt.Sprint("s", rnd.IntN(12))
	var err error
	switch rnd.IntN(14) {
	case 0, 1:
		_, err = s.Create(ctx, id, shard.Metadata{Principal: fmt.Sprint("p", rnd.IntN(3))})
	case 2, 3:
		_, err = s.Append(ctx, id, ring.Event{ID: fmt.Sprint("own", rnd.IntN(20))})
	case 4:
		_, err = s.AppendAll(ctx, id, make([]ring.Event, rnd.IntN(9)))
	case 5:
		var r replay.Reader
		if r, err = s.Open(ctx, id, replay.Position{}); err == nil {
			readers = append(readers, r)
		}
	case 6:
		if len(readers) > 0 {
			readers[0].Close()
			readers = readers[1:]
		}
	case 7:
		err = s.Finish(ctx, id)
	case 8:
		err = s.Terminate(ctx, id)
	case 9:
		err = s.Update(ctx, id, func(md *shard.Metadata) { md.Transport = "x" })
	case 10:
		err = s.Claim(ctx, id, fmt.Sprint(rnd.IntN(5)))
	case 11:
		var w replay.Writer
		if w, err = s.Acquire(ctx, id, replay.Lease{Holder: "me", Term: time.Second}); err == nil && rnd.IntN(2) == 0 {
			err = w.Release(ctx)
		}
	case 12:
		call(t, s, "DEL", s.buckets.keys(id)[rnd.IntN(4)])
	case 13:
		_, err = s.CreateWith(
			ctx,
			shard.Options{
				ID: id, TTL: time.Duration(1+rnd.IntN(900)) * time.Millisecond, Ring: ring.Config{MaxEvents: 3},
			},
		)
	}
	if errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
	return readers
}

// A principal that was here leaves nothing behind, though nobody asks for its sessions again.
func TestPrincipalsLeaveNoKeys(t *testing.T) {
	s := newStore(
		t, dial(t, startServer(t)),
		Config{MaxPerPrincipal: 5, TTL: 50 * time.Millisecond, Linger: -1, Lease: time.Second},
	)
	for i := range 50 {
		id, err := s.Create(t.Context(), "", shard.Metadata{Principal: fmt.Sprint("user-", i)})
		wantErr(t, "Create", err, nil)
		if i%2 == 0 {
			wantErr(t, "Terminate", s.Terminate(t.Context(), id), nil)
		}
	}
	Eventually(t, "all keys are gone", func() bool { return len(keysOf(t, s)) == 0 })
}

// The registry's keys expire, but not while a session in it is active.
func TestPlacesLiveAsLongAsTheirSessions(t *testing.T) {
	t.Parallel()
	s := newStore(
		t, dial(t, startServer(t)), Config{MaxPerPrincipal: 1, TTL: 2 * time.Second, Linger: -1, Lease: time.Second},
	)
	mustCreate(t, s, "s", shard.Metadata{Principal: "me"})
	first := call(t, s, "PEXPIRETIME", s.sets("me")[1].key)
	Eventually(t, "the registry is told that the session lives on", func() bool {
		wantErr(t, "Touch", s.Touch(t.Context(), "s"), nil)
		return call(t, s, "PEXPIRETIME", s.sets("me")[1].key) != first
	})
	wantErr(t, "Create", second(s.Create(t.Context(), "", shard.Metadata{Principal: "me"})), shard.ErrSessionLimit)
}

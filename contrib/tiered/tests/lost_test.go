package tests

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// Without Sync events may be lost with their writer. Whoever has read one is told so, also once
// others stand where it was, and nobody else is.
func TestWhoHasALostEventIsTold(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	var isGone atomic.Bool
	const term = 500 * time.Millisecond
	a := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if isGone.Load() && !done { // as if the process were: nothing of it comes behind any more
			return errTampered
		}
		return nil
	}}, tiered.Config{Term: term})
	create(t, a, "s")
	start := placeAfter(t, a, "s", "")
	own, err := a.Append(t.Context(), "s", ring.Event{ID: "own"})
	if err != nil {
		t.Fatal(err)
	}
	kept := add(t, a, "s", "kept")
	keptPlace := placeAfter(t, a, "s", kept.ID)
	testkit.Eventually(t, "all is behind", func() bool { return a.Lag("s") == 0 })
	isGone.Store(true)
	lost := add(t, a, "s", "lost")
	lostPlace := placeAfter(t, a, "s", lost.ID)

	b := newTiered(t, back, tiered.Config{Term: time.Hour})
	testkit.Eventually(t, "the session is taken over", func() bool {
		_, err := b.Append(t.Context(), "s", ring.Event{Data: []byte("other")})
		return err == nil
	})
	other := add(t, b, "s", "and another")
	otherPlace := placeAfter(t, b, "s", other.ID)
	last := add(t, b, "s", "last")
	testkit.Eventually(t, "all is behind", func() bool { return b.Lag("s") == 0 })
	if other.Seq != lost.Seq+1 {
		t.Fatalf("event %d was lost, and %d is the second after", lost.Seq, other.Seq)
	}

	elsewhere := newTiered(t, back, tiered.Config{})
	for where, s := range map[string]*tiered.Store{"where it is written": b, "elsewhere": elsewhere} {
		for name, at := range map[string]string{"ID": lost.ID, "place": lostPlace} {
			r, err := s.Open(t.Context(), "s", replay.Position{LastEventID: at})
			if !errors.Is(err, ring.ErrUnknownID) {
				t.Errorf("%s: after the %s %q of the lost one: %v, %v", where, name, at, r, err)
			}
		}
		for at, want := range map[string]int{
			start: 5, own.ID: 4, kept.ID: 3, keptPlace: 3, other.ID: 1, otherPlace: 1, last.ID: 0,
		} {
			if events := stored(t, s, "s", replay.Position{LastEventID: at, All: true}); len(events) != want {
				t.Errorf("%s: after %q there are %q, want %d", where, at, texts(events), want)
			}
		}
	}
}

// placeAfter returns the ID of the place after an event.
func placeAfter(t *testing.T, s replay.Store, id, lastEventID string) string {
	t.Helper()
	r, err := s.Open(t.Context(), id, replay.Position{LastEventID: lastEventID})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return r.(replay.Positioner).PositionID()
}

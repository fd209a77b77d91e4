package tests

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// With Sync nobody reads what can still be lost: the next writer gives its ID to another event.
func TestReadersSeeAnEventOnceItIsBehind(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	var isAway atomic.Bool
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if call == "Append" && !done && isAway.Load() {
			return errTampered
		}
		return nil
	}}, tiered.Config{Sync: true})
	create(t, s, "s")
	first := add(t, s, "s", "one")
	isAway.Store(true)
	appended := make(chan error, 1)
	go func() {
		_, err := s.Append(context.Background(), "s", ring.Event{Data: []byte("two")})
		appended <- err
	}()
	testkit.Eventually(t, "it is here", func() bool { return s.Lag("s") == 1 })
	for name, at := range map[string]replay.Position{
		"all": {}, "after the first": {LastEventID: first.ID}, "live": {Live: true},
	} {
		r, err := s.Open(t.Context(), "s", at)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		events, err := replay.Drain(r)
		if want := map[string]int{"all": 1}[name]; err != nil || len(events) != want {
			t.Errorf("%s: %q, %v, want %d", name, texts(events), err, want)
		}
		place := r.(replay.Positioner).PositionID()
		if len(stored(t, s, "s", replay.Position{LastEventID: place})) != 0 {
			t.Errorf("%s: the place is %q", name, place)
		}
		brief, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		if err := r.Wait(brief); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: Wait: %v", name, err)
		}
		defer func() {
			var e ring.Event
			if err := r.Wait(t.Context()); err != nil || !r.Next(&e) || string(e.Data) != "two" {
				t.Errorf("%s: once it is behind: %q, %v", name, e.Data, err)
			}
		}()
	}
	isAway.Store(false)
	if err := testkit.Await(t, "Append returns", appended); err != nil {
		t.Error(err)
	}
}

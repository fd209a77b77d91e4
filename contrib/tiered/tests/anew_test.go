package tests

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A session whose copy has expired in an outage goes on, whichever call is the first one to find
// out; also when the answer to the first call that makes a new copy is lost.
func TestWhoeverFindsTheCopyExpiredGetsANewOne(t *testing.T) {
	for first, calls := range map[string]func(*testing.T, *tiered.Store){
		"Update": func(t *testing.T, s *tiered.Store) {
			if err := s.Update(t.Context(), "s", func(md *shard.Metadata) { md.Transport = "new" }); err != nil {
				t.Fatalf("Update: %v", err)
			}
			if info, err := s.Info(t.Context(), "s"); err != nil || info.Transport != "new" {
				t.Errorf("the session is %+v, %v", info, err)
			}
		},
		"Claim": func(t *testing.T, s *tiered.Store) {
			if err := s.Claim(t.Context(), "s", "another"); err != nil {
				t.Errorf("Claim: %v", err)
			}
			if err := s.Claim(t.Context(), "s", "key"); !errors.Is(err, shard.ErrClaimed) {
				t.Errorf("Claim of a key that was claimed before the outage: %v", err)
			}
		},
		"Append": func(*testing.T, *tiered.Store) {},
	} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			back := newRedis(t, newServer(t).addr, redis.Config{Linger: -1})
			var isAway, loses atomic.Bool
			s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
				switch {
				case call == "CreateHeld" && done && loses.Swap(false):
					return errTampered
				case isAway.Load() && call == first && done:
					isAway.Store(false)
				case isAway.Load() && call != first && !done:
					return errTampered
				}
				return nil
			}}, tiered.Config{Term: 200 * time.Millisecond, Shard: shard.Config{TTL: 3 * time.Second, Linger: -1}})
			create(t, s, "s")
			r, err := s.Open(t.Context(), "s", replay.Position{}) // it does not expire here
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := s.Claim(t.Context(), "s", "key"); err != nil {
				t.Fatal(err)
			}
			add(t, s, "s", "before")
			testkit.Eventually(t, "it is copied", func() bool { return s.Lag("s") == 0 })
			isAway.Store(true)
			testkit.Eventually(t, "the copy has expired", func() bool {
				_, err := back.Info(t.Context(), "s")
				return errors.Is(err, shard.ErrNotFound)
			})
			loses.Store(true)
			calls(t, s)
			add(t, s, "s", "after")
			testkit.Eventually(t, "the new copy is whole", func() bool { return s.Lag("s") == 0 })
			if got := texts(stored(t, back, "s", replay.Position{})); fmt.Sprint(got) != "[before after]" {
				t.Errorf("behind: %q", got)
			}
			if isAway.Load() || loses.Load() {
				t.Errorf("no call of %s, or none that makes a copy", first)
			}
		})
	}
}

// An Update whose answer is lost has failed, behind too, and leaves nothing to the next one.
func TestAnUpdateWhoseAnswerIsLostIsUndoneBehind(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	var loses atomic.Bool
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if call == "Update" && done && loses.Swap(false) {
			return errTampered
		}
		return nil
	}}, tiered.Config{})
	create(t, s, "s")
	update := func(lost bool) error {
		loses.Store(lost)
		return s.Update(t.Context(), "s", func(md *shard.Metadata) { md.Transport += "x" })
	}
	if err := update(true); !errors.Is(err, errTampered) {
		t.Fatalf("Update whose answer is lost: %v", err)
	}
	if err := update(false); err != nil {
		t.Fatal(err)
	}
	if err := update(true); !errors.Is(err, errTampered) {
		t.Fatalf("Update whose answer is lost: %v", err)
	}
	testkit.Eventually(t, "behind is one x", func() bool {
		there, err := back.Info(t.Context(), "s")
		return err == nil && there.Transport == "x"
	})
	if here, err := s.Info(t.Context(), "s"); err != nil || here.Transport != "x" {
		t.Errorf("here is %q, %v, want one x", here.Transport, err)
	}
}

// A copy that ends as soon as it has finished does not end the session for those who read it here.
func TestASessionThatHasFinishedIsReadToItsEnd(t *testing.T) {
	for _, isLost := range []bool{false, true} {
		t.Run(fmt.Sprint("lost=", isLost), func(t *testing.T) {
			back := newRedis(t, newServer(t).addr, redis.Config{Linger: -1})
			var loses atomic.Bool
			loses.Store(isLost)
			var renewals atomic.Int64
			s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
				if call == "Renew" && done {
					renewals.Add(1)
				}
				if call == "Finish" && done && loses.Swap(false) {
					return errTampered
				}
				return nil
			}}, tiered.Config{Term: 100 * time.Millisecond, Shard: shard.Config{Linger: -1}})
			create(t, s, "s")
			create(t, s, "other")
			r, err := s.Open(t.Context(), "s", replay.Position{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			add(t, s, "s", "x")
			if err := s.Finish(t.Context(), "s"); err != nil {
				t.Fatal(err)
			}
			soon := renewals.Load() + 5
			testkit.Eventually(t, "leases have been renewed", func() bool { return renewals.Load() >= soon })
			var e ring.Event
			if !r.Next(&e) || string(e.Data) != "x" {
				t.Fatalf("the reader has %q, %v", e.Data, r.Err())
			}
			if r.Next(&e) || !errors.Is(r.Err(), shard.ErrFinished) {
				t.Errorf("after the last event: %q, %v", e.Data, r.Err())
			}
			if err := s.Update(t.Context(), "s", func(md *shard.Metadata) { md.Transport = "new" }); err != nil {
				t.Errorf("Update of a session that has finished: %v", err)
			}
		})
	}
}

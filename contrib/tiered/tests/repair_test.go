package tests

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// A Create that fails leaves nothing behind, though the first call that ends it there fails too.
func TestACreateThatFailsLeavesNothingBehind(t *testing.T) {
	for why, fails := range map[string]string{"limit in front": "Terminate", "answer lost": "Acquire"} {
		t.Run(why, func(t *testing.T) {
			back := newRedis(t, newServer(t).addr, redis.Config{})
			var loses atomic.Bool
			var failures atomic.Int64
			s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
				if call == "CreateHeld" && done && loses.Swap(false) {
					return errTampered
				}
				if call == fails && !done && failures.Add(1) <= 3 {
					return errTampered
				}
				return nil
			}}, tiered.Config{Shard: shard.Config{MaxSessions: 1}})
			var want error = shard.ErrSessionLimit
			if why == "answer lost" {
				loses.Store(true)
				want = errTampered
			} else {
				create(t, s, "first")
			}
			if _, err := s.Create(t.Context(), "s", shard.Metadata{}); !errors.Is(err, want) {
				t.Fatalf("Create: %v, want %v", err, want)
			}
			if _, err := s.Append(t.Context(), "s", ring.Event{}); !errors.Is(err, shard.ErrNotFound) {
				t.Errorf("Append to a session that was not created: %v", err)
			}
			if info, err := back.Info(t.Context(), "s"); err == nil && info.Status != shard.Terminated {
				t.Errorf("behind is %+v", info)
			}
			if failures.Load() <= 3 {
				t.Errorf("%d calls of %s, want more than 3", failures.Load(), fails)
			}
		})
	}
}

// Close says that a session was not ended behind of which a Create has failed.
func TestCloseSaysWhichFailedCreatesAreStillBehind(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if call == "Terminate" && !done {
			return errTampered
		}
		return nil
	}}, tiered.Config{Timeout: 200 * time.Millisecond, Shard: shard.Config{MaxSessions: 1}})
	create(t, s, "first")
	if _, err := s.Create(t.Context(), "s", shard.Metadata{}); !errors.Is(err, shard.ErrSessionLimit) {
		t.Fatalf("Create: %v", err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "1 sessions have ended") {
		t.Errorf("Close: %v", err)
	}
}

// A session is ended while nobody knows whether the new copy was made that it was to have.
func TestACopyWhoseWriterWasLostEndsWithItsSession(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{Linger: -1})
	var isAway, made atomic.Bool
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		switch {
		case !isAway.Load():
		case call == "CreateHeld" && done:
			made.Store(true)
			return errTampered
		case call == "Renew" && !done, call == "Acquire" && !done && !made.Load():
			return errTampered
		case call == "Acquire" && !done: // until it is ended
			return errTampered
		}
		return nil
	}}, tiered.Config{Term: 100 * time.Millisecond, Shard: shard.Config{TTL: time.Second, Linger: -1}})
	create(t, s, "s")
	r, err := s.Open(t.Context(), "s", replay.Position{}) // it does not expire here
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	isAway.Store(true)
	testkit.Eventually(t, "the copy has expired", func() bool {
		_, err := back.Info(t.Context(), "s")
		return errors.Is(err, shard.ErrNotFound)
	})
	add(t, s, "s", "x")
	testkit.Eventually(t, "a new copy is made", made.Load)
	ended := make(chan error, 1)
	go func() { ended <- s.Terminate(context.Background(), "s") }()
	testkit.Eventually(t, "it has ended here", func() bool {
		_, err := s.Manager().Get("s")
		return errors.Is(err, shard.ErrNotFound)
	})
	isAway.Store(false)
	if err := testkit.Await(t, "Terminate returns", ended); err != nil {
		t.Errorf("Terminate: %v", err)
	}
	if info, err := back.Info(t.Context(), "s"); !errors.Is(err, shard.ErrNotFound) {
		t.Errorf("behind is %+v, %v", info, err)
	}
}

func TestAnUpdateInsideAnUpdateIsRefused(t *testing.T) {
	s := newTiered(t, newRedis(t, newServer(t).addr, redis.Config{}), tiered.Config{})
	create(t, s, "s")
	create(t, s, "other")
	for _, id := range []string{"s", "other"} {
		var inner error
		err := s.Update(t.Context(), "s", func(md *shard.Metadata) {
			inner = s.Update(context.Background(), id, func(md *shard.Metadata) { md.Transport = "inner" })
			md.Transport = "outer"
		})
		if err != nil || !errors.Is(inner, shard.ErrNestedUpdate) {
			t.Errorf("Update: %v, and of %s inside it: %v", err, id, inner)
		}
	}
	if err := s.Update(t.Context(), "s", nil); err != nil {
		t.Errorf("Update that changes nothing: %v", err)
	}
	if info, err := s.Info(t.Context(), "s"); err != nil || info.Transport != "outer" {
		t.Errorf("the session is %+v, %v", info, err)
	}
}

// An Update that waits for another one keeps to its context.
func TestAnUpdateBehindOneThatHangsKeepsToItsContext(t *testing.T) {
	hangs, goOn := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	back := newRedis(t, newServer(t).addr, redis.Config{})
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if call == "Update" && !done && !once.Swap(true) {
			close(hangs)
			<-goOn
		}
		return nil
	}}, tiered.Config{})
	create(t, s, "s")
	first := make(chan error, 1)
	go func() { first <- s.Update(context.Background(), "s", func(*shard.Metadata) {}) }()
	testkit.Await(t, "the first one hangs", hangs)
	brief, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	if err := s.Update(brief, "s", func(*shard.Metadata) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Update: %v", err)
	}
	close(goOn)
	if err := testkit.Await(t, "the first one returns", first); err != nil {
		t.Errorf("the first Update: %v", err)
	}
}

// Whoever cannot load a session that it has got a lease of gives that back.
func TestASessionThatCannotBeLoadedIsLeftToOthers(t *testing.T) {
	for _, call := range []string{"Open", "Renew"} {
		t.Run(call, func(t *testing.T) {
			back := newRedis(t, newServer(t).addr, redis.Config{})
			create(t, back, "s")
			a := newTiered(t, tampered{back.(whole), func(_ context.Context, c string, done bool) error {
				if c == call && !done {
					return errTampered
				}
				return nil
			}}, tiered.Config{Term: time.Hour})
			if _, err := a.Append(t.Context(), "s", ring.Event{}); !errors.Is(err, errTampered) {
				t.Fatalf("Append: %v", err)
			}
			b := newTiered(t, back, tiered.Config{})
			testkit.Eventually(t, "another one gets it", func() bool {
				_, err := b.Append(t.Context(), "s", ring.Event{})
				return err == nil
			})
		})
	}
}

// Close waits until an Update that has failed is undone behind, and a Finish is made there.
func TestCloseWaitsForWhatIsToBeDoneBehind(t *testing.T) {
	for _, what := range []string{"Update", "Finish"} {
		t.Run(what, func(t *testing.T) {
			back := newRedis(t, newServer(t).addr, redis.Config{})
			var closing atomic.Bool
			var after atomic.Int64
			s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
				isLost := call == "Update" && done || call == "Finish" && !done
				if isLost && (!closing.Load() || after.Add(1) <= 2) {
					return errTampered
				}
				return nil
			}}, tiered.Config{})
			create(t, s, "s")
			ctx, cancel := context.WithTimeout(t.Context(), moment)
			defer cancel()
			want := shard.Active
			if what == "Update" {
				err := s.Update(ctx, "s", func(md *shard.Metadata) { md.Transport = "x" })
				if !errors.Is(err, errTampered) {
					t.Fatalf("Update: %v", err)
				}
			} else if err := s.Finish(ctx, "s"); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Finish: %v", err)
			} else {
				want = shard.Finished
			}
			closing.Store(true)
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			info, err := back.Info(t.Context(), "s")
			if err != nil || info.Transport != "" || info.Status != want {
				t.Errorf("behind is %+v, %v", info, err)
			}
		})
	}
}

// A session that has finished ends here too when another process terminates it.
func TestASessionThatHasFinishedEndsWhenItIsTerminatedElsewhere(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	s := newTiered(t, back, tiered.Config{Term: 200 * time.Millisecond})
	create(t, s, "s")
	add(t, s, "s", "x")
	if err := s.Finish(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	another := newTiered(t, back, tiered.Config{})
	if err := another.Terminate(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "it has ended here", func() bool {
		_, err := s.Open(t.Context(), "s", replay.Position{})
		return errors.Is(err, shard.ErrNotFound)
	})
}

// The Store behind keeps the ID of an expired session while that lingers: for others, and not for
// the session itself.
func TestACopyIsMadeAnewThoughTheOneBeforeLingers(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{Linger: time.Hour})
	var isAway atomic.Bool
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if isAway.Load() && !done {
			return errTampered
		}
		return nil
	}}, tiered.Config{Term: 100 * time.Millisecond, Shard: shard.Config{TTL: time.Second, Linger: time.Hour}})
	create(t, s, "s")
	r, err := s.Open(t.Context(), "s", replay.Position{}) // it does not expire here
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	add(t, s, "s", "before")
	testkit.Eventually(t, "it is copied", func() bool { return s.Lag("s") == 0 })
	isAway.Store(true)
	testkit.Eventually(t, "the copy has expired", func() bool {
		info, err := back.Info(t.Context(), "s")
		return err == nil && info.Status == shard.Expired
	})
	isAway.Store(false)
	add(t, s, "s", "after")
	testkit.Eventually(t, "it is copied", func() bool { return s.Lag("s") == 0 })
	if got := texts(stored(t, back, "s", replay.Position{})); fmt.Sprint(got) != "[before after]" {
		t.Errorf("behind: %q", got)
	}
}

// A copier that waits before it tries again does so at once when Close comes.
func TestCloseCutsPausesShort(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	var failures atomic.Int64
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if call == "Append" && !done && failures.Add(1) <= 8 { // the next pause is longer than Timeout
			return errTampered
		}
		return nil
	}}, tiered.Config{Timeout: time.Second})
	create(t, s, "s")
	add(t, s, "s", "x")
	testkit.Eventually(t, "calls fail", func() bool { return failures.Load() == 8 })
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// Keys outlast a takeover, and a copy that is made anew, there and for those who claim behind.
func TestKeysOutlastATakeoverAndANewCopy(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{Linger: -1, MaxClaims: 2})
	create(t, back, "s")
	claim := func(s replay.Store, key string, want error) {
		t.Helper()
		if err := replay.Claim(t.Context(), s, "s", key); !errors.Is(err, want) {
			t.Errorf("Claim of %s: %v, want %v", key, err, want)
		}
	}
	claim(back, "before", nil)
	var isAway atomic.Bool
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if isAway.Load() && !done {
			return errTampered
		}
		return nil
	}}, tiered.Config{Term: 100 * time.Millisecond, Shard: shard.Config{TTL: time.Second, Linger: -1, MaxClaims: 1}})
	create(t, s, "brief") // has the TTL of this Store
	if err := s.Terminate(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	if _, err := replay.CreateWith(t.Context(), back, shard.Options{ID: "s", TTL: time.Second}); err != nil {
		t.Fatal(err)
	}
	claim(back, "before", nil)
	r, err := s.Open(t.Context(), "s", replay.Position{}) // takes it over, and keeps it alive here
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	claim(s, "before", shard.ErrClaimed)
	claim(s, "here", nil)
	isAway.Store(true)
	testkit.Eventually(t, "the copy has expired", func() bool {
		_, err := back.Info(t.Context(), "s")
		return errors.Is(err, shard.ErrNotFound)
	})
	isAway.Store(false)
	add(t, s, "s", "x")
	testkit.Eventually(t, "a new copy is there", func() bool { return s.Lag("s") == 0 })
	for _, where := range []replay.Store{back, s} {
		claim(where, "before", shard.ErrClaimed)
		claim(where, "here", shard.ErrClaimed)
		claim(where, "another", shard.ErrClaimLimit)
	}
}

// A Create waits until a session that had its ID, and has ended here, has ended behind too.
func TestAnIDIsUsedAgainWhileItsSessionEndsBehind(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{Linger: -1})
	var failures atomic.Int64
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if call == "Terminate" && !done && failures.Add(1) <= 3 {
			return errTampered
		}
		return nil
	}}, tiered.Config{Shard: shard.Config{Linger: -1}})
	create(t, s, "s")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Terminate(over, "s"); !errors.Is(err, context.Canceled) {
		t.Errorf("Terminate: %v", err)
	}
	create(t, s, "s")
	if failures.Load() <= 3 {
		t.Errorf("%d calls of Terminate, want more than 3", failures.Load())
	}
}

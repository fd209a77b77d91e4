package tests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Sessions whose calls hang hold up no others, also when there are more of them than Copiers; and
// their callers return when their contexts end.
func TestLeadersWhoseCallsHangHoldNobodyUp(t *testing.T) {
	for _, copiers := range []int{1, 2, 3, 8} {
		t.Run(fmt.Sprint("copiers=", copiers), func(t *testing.T) {
			behind := func(ctx context.Context, id string, _ []ring.Event, next func(context.Context) error) error {
				if id != "s" {
					return hang(ctx)
				}
				return next(ctx)
			}
			sessions := []string{"s"}
			for i := range 3 * copiers {
				sessions = append(sessions, fmt.Sprint("bad", i))
			}
			cfg := tiered.Config{Copiers: copiers, Timeout: time.Hour, Term: time.Hour}
			bubble(t, cfg, sessions, behind, func(t *testing.T, s *tiered.Store, back whole) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				bad := make(chan error, 2*len(sessions))
				for _, id := range sessions[1:] {
					for range 2 { // one that leads, and one that follows
						go func() {
							_, err := s.Append(ctx, id, text("x"))
							bad <- err
						}()
					}
				}
				synctest.Wait()
				began := time.Now()
				for i := range 10 {
					add(t, s, "s", fmt.Sprint(i))
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("it took %v", took)
				}
				cancel()
				synctest.Wait()
				for range 2 * (len(sessions) - 1) {
					select {
					case err := <-bad:
						if !errors.Is(err, context.Canceled) {
							t.Errorf("a caller whose call hangs: %v", err)
						}
					default:
						t.Fatal("a caller whose call hangs has not returned")
					}
				}
			})
		})
	}
}

// Close lets who leads and who follows get through, or tells them that it has come; and no call is
// under way once it has returned.
func TestCloseBesideALeaderAndFollowers(t *testing.T) {
	const timeout, slow, late = 5 * time.Second, 2 * time.Second, time.Millisecond
	for _, hangs := range []bool{false, true} {
		for name, of := range map[string]func(context.Context) context.Context{
			"endless": func(context.Context) context.Context { return context.Background() },
			"ends":    func(ctx context.Context) context.Context { return ctx },
		} {
			t.Run(fmt.Sprintf("hangs=%v, %s", hangs, name), func(t *testing.T) {
				var inside, calls atomic.Int64
				behind := func(ctx context.Context, _ string, _ []ring.Event, next func(context.Context) error) error {
					inside.Add(1)
					defer inside.Add(-1)
					if calls.Add(1) > 1 && hangs {
						defer time.Sleep(late)
						return hang(ctx)
					}
					time.Sleep(slow)
					return next(ctx)
				}
				bubble(t, tiered.Config{Timeout: timeout}, []string{"s"}, behind,
					func(t *testing.T, s *tiered.Store, back whole) {
						ctx := of(t.Context())
						leader := begin(ctx, s, text("0"))
						followers := []<-chan outcome{begin(ctx, s, text("1")), begin(ctx, s, text("2"))}
						began, took, want := time.Now(), 2*slow, error(nil)
						if hangs {
							took, want = timeout+late, shard.ErrClosed
						}
						err := s.Close()
						if d := time.Since(began); d != took {
							t.Errorf("Close took %v, want %v", d, took)
						}
						if inside.Load() != 0 {
							t.Error("a call is under way after Close")
						}
						synctest.Wait()
						wantErr(t, "the leader", leader, nil)
						for _, f := range followers {
							wantErr(t, "a follower", f, want)
						}
						if hangs != (err != nil && strings.Contains(err.Error(), "2 events of 1 sessions")) {
							t.Errorf("Close: %v", err)
						}
						if _, err := s.Append(ctx, "s", text("late")); !errors.Is(err, shard.ErrClosed) {
							t.Errorf("Append after Close: %v", err)
						}
						if !hangs {
							wantBehind(t, back, "0", "1", "2")
						}
					})
			})
		}
	}
}

// A session that is terminated, here or past the Store, ends for those who lead and follow too;
// also when OnEnd, which tells the Store so, is busy with another session.
func TestASessionEndsBesideALeaderAndFollowers(t *testing.T) {
	var goOn chan struct{} // made in the bubble
	for name, end := range map[string]func(*tiered.Store) error{
		"here":    func(s *tiered.Store) error { return s.Terminate(context.Background(), "s") },
		"past it": func(s *tiered.Store) error { return s.Manager().Terminate("s") },
		"and late": func(s *tiered.Store) error {
			return errors.Join(s.Manager().Terminate("slow"), s.Manager().Terminate("s"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			behind := func(ctx context.Context, _ string, _ []ring.Event, _ func(context.Context) error) error {
				return hang(ctx)
			}
			cfg := tiered.Config{Shard: shard.Config{OnEnd: func(info shard.Info) {
				if info.ID == "slow" {
					<-goOn
				}
			}}}
			bubble(t, cfg, []string{"s", "slow"}, behind, func(t *testing.T, s *tiered.Store, back whole) {
				goOn = make(chan struct{})
				leader, follower := begin(t.Context(), s, text("0")), begin(t.Context(), s, text("1"))
				if err := end(s); err != nil {
					t.Fatal(err)
				}
				for i, c := range []<-chan outcome{leader, follower} {
					if o := <-c; o.err != nil && !errors.Is(o.err, shard.ErrNotFound) {
						t.Errorf("caller %d: %v", i, o.err)
					}
				}
				if _, err := back.Open(t.Context(), "s", replay.Position{}); !errors.Is(err, shard.ErrNotFound) {
					t.Errorf("behind: %v", err)
				}
				close(goOn)
			})
		})
	}
}

// Whoever repeats an event waits until that is behind, as the one who appended it does; and whoever
// appends one that the Store behind refuses is told so, and nobody else.
func TestFollowersGetTheVerdictOnTheirOwnEvent(t *testing.T) {
	var goOn chan struct{} // made in the bubble
	behind := func(ctx context.Context, _ string, es []ring.Event, next func(context.Context) error) error {
		if string(es[0].Data) == "first" {
			<-goOn
		}
		for _, e := range es {
			if string(e.Data) == "refused" {
				return ring.ErrEventTooLarge
			}
		}
		return next(ctx)
	}
	bubble(t, tiered.Config{}, []string{"s"}, behind, func(t *testing.T, s *tiered.Store, back whole) {
		goOn = make(chan struct{})
		leader := begin(t.Context(), s, ring.Event{ID: "x", Data: []byte("first")})
		again := begin(t.Context(), s, ring.Event{ID: "x"})
		select {
		case o := <-again:
			t.Fatalf("the repetition did not wait: %v", o.err)
		default:
		}
		var others []<-chan outcome
		for _, data := range []string{"a", "refused", "b"} {
			others = append(others, begin(t.Context(), s, text(data)))
		}
		close(goOn)
		synctest.Wait()
		wantErr(t, "the leader", leader, nil)
		wantErr(t, "a", others[0], nil)
		wantErr(t, "refused", others[1], ring.ErrEventTooLarge)
		wantErr(t, "b", others[2], nil)
		if o := <-again; !errors.Is(o.err, ring.ErrDuplicateID) || o.event.Seq != 1 {
			t.Errorf("the repetition: %d, %v", o.event.Seq, o.err)
		}
		if got := texts(stored(t, back, "s", replay.Position{})); !slices.Equal(got, []string{"b"}) {
			t.Errorf("behind the gap: %q", got)
		}
	})
}

// A copy that is made anew is whole, though nobody waits for what had been behind before.
func TestACopyThatIsMadeAnewIsWholeThoughNobodyWaits(t *testing.T) {
	const events = 700 // more than two batches
	behind := func(ctx context.Context, _ string, _ []ring.Event, next func(context.Context) error) error {
		return next(ctx)
	}
	// It has expired behind when its lease is to be renewed, after 20 minutes.
	cfg := tiered.Config{Term: time.Hour, Shard: shard.Config{TTL: 10 * time.Minute}}
	bubble(t, cfg, []string{"s"}, behind, func(t *testing.T, s *tiered.Store, back whole) {
		r, err := s.Open(t.Context(), "s", replay.Position{}) // it does not expire here
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i := range events {
			add(t, s, "s", fmt.Sprint(i))
		}
		before, err := back.Info(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(22 * time.Minute)
		synctest.Wait()
		if after, err := back.Info(t.Context(), "s"); err != nil || !after.Created.After(before.Created) {
			t.Fatalf("the copy is that of %v, %v", after.Created, err)
		}
		if n := s.Lag("s"); n != 0 {
			t.Errorf("%d events are not behind", n)
		}
		if got := stored(t, back, "s", replay.Position{}); len(got) != events {
			t.Errorf("%d events behind", len(got))
		}
	})
}

// Callers on one session beside each other, some of whom go away, in front of a Store that fails in
// every way: what is confirmed is behind, once and in order, and everything else in the end too.
func TestWhatLeadersAndFollowersConfirmIsBehind(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { appendBesideFaults(t, seed) })
	}
}

func appendBesideFaults(t *testing.T, seed uint64) {
	const callers, appends = 32, 30
	faults := newFaults(seed)
	faults.set(200, false)
	behind := func(ctx context.Context, id string, _ []ring.Event, next func(context.Context) error) error {
		return faults.call(ctx, id, hung, next)
	}
	cfg := tiered.Config{Timeout: time.Second}
	bubble(t, cfg, []string{"s"}, behind, func(t *testing.T, s *tiered.Store, back whole) {
		var all sync.WaitGroup
		var confirmed [callers][]string
		for c := range confirmed {
			rnd := rand.New(rand.NewPCG(seed, uint64(c)))
			all.Go(func() {
				for i := range appends {
					ctx, cancel := context.Background(), func() {}
					if n := rnd.IntN(4); n > 0 {
						ctx, cancel = context.WithTimeout(t.Context(), time.Duration(n*n*n)*100*time.Millisecond)
					}
					e, err := s.Append(ctx, "s", text(fmt.Sprint(c, " ", i)))
					cancel()
					if err == nil {
						confirmed[c] = append(confirmed[c], fmt.Sprint(e.Seq, " ", e.ID, " ", string(e.Data)))
					} else if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("Append: %v", err)
					}
				}
			})
		}
		all.Wait()
		faults.set(0, false)
		for s.Lag("s") > 0 {
			time.Sleep(time.Second)
		}
		got := stored(t, back, "s", replay.Position{})
		if len(got) != callers*appends {
			t.Errorf("%d events behind", len(got))
		}
		wantAll(t, got, slices.Concat(confirmed[:]...))
	})
}

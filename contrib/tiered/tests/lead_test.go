package tests

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// watched is a Store behind whose Writers' Append is a test's: next makes the call.
type watched struct {
	whole
	append func(ctx context.Context, id string, es []ring.Event, next func(context.Context) error) error
}

func (s watched) CreateHeld(ctx context.Context, o shard.Options, l replay.Lease) (replay.Writer, error) {
	w, err := s.whole.CreateHeld(ctx, o, l)
	if err != nil {
		return nil, err
	}
	return watchedWriter{w, s}, nil
}

type watchedWriter struct {
	replay.Writer
	store watched
}

func (w watchedWriter) Append(ctx context.Context, es []ring.Event) error {
	next := func(ctx context.Context) error { return w.Writer.Append(ctx, es) }
	return w.store.append(ctx, w.Held().Options.ID, es, next)
}

// hang is a call that ends with its context.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// bubble runs a test of a Store with Sync in front of Pebble, in which time passes when everybody
// waits. The sessions are there.
func bubble(t *testing.T, cfg tiered.Config, sessions []string,
	behind func(ctx context.Context, id string, es []ring.Event, next func(context.Context) error) error,
	run func(t *testing.T, s *tiered.Store, back whole)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	synctest.Test(t, func(t *testing.T) {
		back := newPebble(t, dir, pebble.Config{SyncEvery: time.Hour, MinFree: -1})
		cfg.Sync = true
		s := newTiered(t, watched{back, behind}, cfg)
		for _, id := range sessions {
			create(t, s, id)
		}
		run(t, s, back)
	})
}

// An outcome is what an Append has returned.
type outcome struct {
	event ring.Event
	err   error
}

// begin starts an Append to session s, and returns once its event is in front and it waits.
func begin(ctx context.Context, s *tiered.Store, e ring.Event) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		stored, err := s.Append(ctx, "s", e)
		done <- outcome{stored, err}
	}()
	synctest.Wait()
	return done
}

func text(data string) ring.Event { return ring.Event{Data: []byte(data)} }

// wantBehind wants these events in the Store behind, and all sequences from 1.
func wantBehind(t *testing.T, back replay.Store, want ...string) {
	t.Helper()
	got := stored(t, back, "s", replay.Position{})
	if !slices.Equal(texts(got), want) {
		t.Errorf("behind: %q, want %q", texts(got), want)
	}
	wantAll(t, got, nil)
}

// wantErr wants an Append to have returned.
func wantErr(t *testing.T, who string, done <-chan outcome, want error) {
	t.Helper()
	select {
	case o := <-done:
		if !errors.Is(o.err, want) {
			t.Errorf("%s: %v, want %v", who, o.err, want)
		}
	default:
		t.Errorf("%s has not returned", who)
	}
}

// wantGone wants an Append whose context has ended to have returned. Its event may have come behind
// just then.
func wantGone(t *testing.T, who string, done <-chan outcome) {
	t.Helper()
	select {
	case o := <-done:
		if o.err != nil && !errors.Is(o.err, context.Canceled) {
			t.Errorf("%s: %v", who, o.err)
		}
	default:
		t.Errorf("%s has not returned", who)
	}
}

// A caller whose context ends while it copies for all returns, and the others get through: whether
// or not its call has done anything.
func TestALeaderWhoseContextEndsHoldsNobodyUp(t *testing.T) {
	for _, isLate := range []bool{false, true} {
		t.Run(fmt.Sprint("late=", isLate), func(t *testing.T) {
			var calls atomic.Int64
			behind := func(ctx context.Context, _ string, _ []ring.Event, next func(context.Context) error) error {
				if calls.Add(1) > 1 {
					return next(ctx)
				}
				if isLate {
					if err := next(ctx); err != nil {
						return err
					}
				}
				return hang(ctx)
			}
			bubble(t, tiered.Config{}, []string{"s"}, behind, func(t *testing.T, s *tiered.Store, back whole) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				leader := begin(ctx, s, text("leader"))
				one, two := begin(t.Context(), s, text("one")), begin(context.Background(), s, text("two"))
				began := time.Now()
				cancel()
				synctest.Wait()
				wantGone(t, "the leader", leader)
				wantErr(t, "one", one, nil)
				wantErr(t, "two", two, nil)
				if took := time.Since(began); took != 0 {
					t.Errorf("it took %v", took)
				}
				wantBehind(t, back, "leader", "one", "two")
			})
		})
	}
}

// A caller that is made the leader just when its context ends passes that on. Both may come first:
// it is tried often.
func TestWhoeverIsToLeadAndHasGoneHoldsNobodyUp(t *testing.T) {
	var leave atomic.Pointer[context.CancelFunc]
	var goOn atomic.Pointer[chan struct{}]
	behind := func(ctx context.Context, _ string, _ []ring.Event, next func(context.Context) error) error {
		if c := goOn.Swap(nil); c != nil {
			<-*c
			defer (*leave.Load())()
		}
		return next(ctx)
	}
	bubble(t, tiered.Config{}, []string{"s"}, behind, func(t *testing.T, s *tiered.Store, back whole) {
		var want []string
		for range 100 {
			c := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			leave.Store(&cancel)
			goOn.Store(&c)
			leader := begin(t.Context(), s, text("leader"))
			leaves := begin(ctx, s, text("leaves"))
			stays := begin(t.Context(), s, text("stays"))
			close(c)
			synctest.Wait()
			wantErr(t, "the leader", leader, nil)
			wantErr(t, "who stays", stays, nil)
			wantGone(t, "who leaves", leaves)
			want = append(want, "leader", "leaves", "stays")
		}
		wantBehind(t, back, want...)
	})
}

// An event whose caller has gone is copied though nobody waits for it, by whoever copies.
func TestAnEventWhoseCallerHasGoneIsCopied(t *testing.T) {
	var goOn chan struct{} // made in the bubble
	var calls atomic.Int64
	behind := func(ctx context.Context, _ string, _ []ring.Event, next func(context.Context) error) error {
		if calls.Add(1) == 1 {
			<-goOn
		}
		return next(ctx)
	}
	bubble(t, tiered.Config{}, []string{"s"}, behind, func(t *testing.T, s *tiered.Store, back whole) {
		goOn = make(chan struct{})
		leader := begin(t.Context(), s, text("leader"))
		ctx, cancel := context.WithCancel(t.Context())
		gone := begin(ctx, s, text("gone"))
		cancel()
		synctest.Wait()
		wantErr(t, "who has gone", gone, context.Canceled)
		over := begin(ctx, s, text("too late")) // its context has ended before
		wantErr(t, "who came too late", over, context.Canceled)
		close(goOn)
		synctest.Wait()
		wantErr(t, "the leader", leader, nil)
		wantBehind(t, back, "leader", "gone", "too late")
		wantGone(t, "who came alone", begin(ctx, s, text("alone")))
		wantBehind(t, back, "leader", "gone", "too late", "alone")
	})
}

// A caller in whose goroutine the Store behind panics, and who goes on as a server does, leaves no
// session behind that nobody copies.
func TestALeaderWhoseCallPanicsHoldsNobodyUp(t *testing.T) {
	var calls atomic.Int64
	var goOn chan struct{} // made in the bubble
	behind := func(ctx context.Context, _ string, _ []ring.Event, next func(context.Context) error) error {
		if calls.Add(1) == 1 {
			<-goOn
			panic("a fault of the test's")
		}
		return next(ctx)
	}
	bubble(t, tiered.Config{}, []string{"s"}, behind, func(t *testing.T, s *tiered.Store, back whole) {
		goOn = make(chan struct{})
		panicked := make(chan any, 1)
		go func() {
			defer func() { panicked <- recover() }()
			s.Append(t.Context(), "s", text("leader"))
		}()
		synctest.Wait()
		follower := begin(t.Context(), s, text("follower"))
		close(goOn)
		synctest.Wait()
		if p := <-panicked; p == nil {
			t.Error("no panic")
		}
		wantErr(t, "a follower", follower, nil)
		wantBehind(t, back, "leader", "follower")
		add(t, s, "s", "later")
		wantBehind(t, back, "leader", "follower", "later")
	})
}

// A call that gets no answer is made again after Config.Timeout, whatever context the caller has.
func TestALeadersCallTakesNoLongerThanTimeout(t *testing.T) {
	for name, of := range map[string]func(context.Context) context.Context{
		"endless": func(context.Context) context.Context { return context.Background() },
		"ends":    func(ctx context.Context) context.Context { return ctx },
	} {
		t.Run(name, func(t *testing.T) {
			var hangs atomic.Bool
			behind := func(ctx context.Context, _ string, _ []ring.Event, next func(context.Context) error) error {
				if hangs.Swap(false) {
					return hang(ctx)
				}
				return next(ctx)
			}
			const timeout = time.Second
			bubble(t, tiered.Config{Timeout: timeout}, []string{"s"}, behind,
				func(t *testing.T, s *tiered.Store, back whole) {
					for i := range 5 {
						time.Sleep(timeout * time.Duration(i) / 3) // in the middle of a look at how long calls take
						add(t, s, "s", "x")
						hangs.Store(true)
						began := time.Now()
						if _, err := s.Append(of(t.Context()), "s", text("x")); err != nil {
							t.Fatal(err)
						}
						if took := time.Since(began); took < timeout*7/8 || took > timeout {
							t.Errorf("the call took %v", took)
						}
					}
					wantBehind(t, back, slices.Repeat([]string{"x"}, 10)...)
				})
		})
	}
}

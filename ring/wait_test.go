package ring

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitReturnsAtOnceWhenThereIsAnEvent(t *testing.T) {
	r := newRing(t, Config{})
	mustAppend(t, r, Event{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Wait(ctx, 0); err != nil {
		t.Error(err)
	}
	wantErr(t, r.Wait(ctx, 1), context.Canceled)
}

func TestWaitEndsWithAnAppendTheContextOrClose(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(r *Ring, cancel func())
		want error
	}{
		"append": {func(r *Ring, _ func()) { r.Append(Event{}) }, nil},
		"cancel": {func(_ *Ring, cancel func()) { cancel() }, context.Canceled},
		"close":  {func(r *Ring, _ func()) { r.Close() }, ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRing(t, Config{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan error)
				for range 3 {
					go func() { done <- r.Wait(ctx, 0) }()
				}
				synctest.Wait()
				select {
				case err := <-done:
					t.Fatalf("Wait returned early: %v", err)
				default:
				}
				c.do(r, cancel)
				for range 3 {
					if err := <-done; !errors.Is(err, c.want) {
						t.Errorf("Wait: %v, want %v", err, c.want)
					}
				}
			})
		})
	}
}

func TestWaitOnAClosedRing(t *testing.T) {
	r := newRing(t, Config{})
	mustAppend(t, r, Event{})
	r.Close()
	if err := r.Wait(t.Context(), 0); err != nil {
		t.Errorf("an unread event: %v", err)
	}
	wantErr(t, r.Wait(t.Context(), 1), ErrClosed)
}

// Followers that wait for each event get every one of them; a lost wake-up would leave one waiting
// for ever.
func TestNoWakeUpIsLost(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 100_000})
	const followers, writers, each = 4, 4, 2000
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range followers {
		wg.Go(func() {
			c := mustSeek(t, r, "")
			var e Event
			for read := 0; read < writers*each; {
				if c.Next(&e) {
					read++
				} else if err := r.Wait(ctx, c.Seq()); err != nil {
					t.Errorf("after %d events: %v", read, err)
					return
				}
			}
		})
	}
	for range writers {
		wg.Go(func() {
			for range each {
				r.Append(Event{})
			}
		})
	}
	wg.Wait()
}

// In a bubble of fake time the event's time is exact.
func TestTimeIsExactUnderSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t, Config{})
		for range 5 {
			time.Sleep(12345 * time.Nanosecond)
			if e := mustAppend(t, r, Event{}); !e.Time.Equal(time.Now()) {
				t.Errorf("Time is %v, now is %v", e.Time, time.Now())
			}
		}
	})
}

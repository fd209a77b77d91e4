package ring

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitTimedTellsHowLateTheCallerWasWoken(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 100})
	const rounds = 200
	woken := 0
	for seq := range uint64(rounds) {
		got := make(chan time.Duration)
		began := time.Now()
		go func() {
			late, err := r.WaitTimed(t.Context(), seq)
			if err != nil {
				t.Error(err)
			}
			got <- late
		}()
		for r.wake.Load() == nil {
			runtime.Gosched()
		}
		mustAppend(t, r, Event{})
		late := <-got
		if late > time.Since(began) {
			t.Fatalf("%v late, in a round of %v", late, time.Since(began))
		}
		if late >= 0 {
			woken++
		}
	}
	if woken == 0 { // an append that comes before the caller sleeps is not timed
		t.Errorf("none of %d wake-ups was timed", rounds)
	}
}

func TestWaitTimedIsNegativeForThoseWhoDidNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t, Config{})
		type answer struct {
			late time.Duration
			err  error
		}
		got := make(chan answer)
		wait := func(ctx context.Context, seq uint64) {
			late, err := r.WaitTimed(ctx, seq)
			got <- answer{late, err}
		}
		mustAppend(t, r, Event{})
		go wait(t.Context(), 0)
		if a := <-got; a.late >= 0 || a.err != nil {
			t.Errorf("with an event there: %+v", a)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go wait(ctx, 1)
		synctest.Wait()
		cancel()
		a := <-got
		if a.late >= 0 {
			t.Errorf("cancelled: %+v", a)
		}
		wantErr(t, a.err, context.Canceled)
		go wait(t.Context(), 1)
		synctest.Wait()
		mustAppend(t, r, Event{})
		if a := <-got; a.late != 0 || a.err != nil { // in fake time waking takes none
			t.Errorf("woken: %+v", a)
		}
		go wait(t.Context(), 2)
		synctest.Wait()
		r.Close()
		a = <-got
		if a.late >= 0 {
			t.Errorf("closed: %+v", a)
		}
		wantErr(t, a.err, ErrClosed)
	})
}

// An old reading is nobody's: whoever comes while the woken waiters are still in place was not
// woken by that event.
func TestWaitTimedTakesNoReadingOfAnEarlierEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t, Config{})
		old := &waiters{ch: make(chan struct{})}
		old.woken.Store(1)
		close(old.ch)
		r.wake.Store(old)
		got := make(chan time.Duration)
		go func() {
			late, err := r.WaitTimed(t.Context(), 0)
			if err != nil {
				t.Error(err)
			}
			got <- late
		}()
		synctest.Wait()
		mustAppend(t, r, Event{})
		if late := <-got; late != 0 {
			t.Errorf("%v late", late)
		}
	})
}

func TestTimedAndPlainWaitersAreAllWoken(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 10_000})
	const followers, events = 8, 5000
	var wg sync.WaitGroup
	for f := range followers {
		wg.Go(func() {
			for seq := uint64(0); seq < events; seq = r.Stats().Last {
				late, err := untimed, error(nil)
				if f%2 == 0 {
					late, err = r.WaitTimed(t.Context(), seq)
				} else {
					err = r.Wait(t.Context(), seq)
				}
				if err != nil || late > time.Minute {
					t.Errorf("after %d: %v late, %v", seq, late, err)
					return
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range events / 2 {
				r.Append(Event{})
			}
		})
	}
	wg.Wait()
}

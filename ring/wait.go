package ring

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/internal/step"
)

// waiters are the goroutines that wait for the same event. Whoever finds them in Ring.wake closes
// the channel, and only then takes them out: should it stall in between, the next append wakes them
// all the same.
type waiters struct {
	ch chan struct{}
	// 0; asked, by a waiter; then a reading of the clock, by whoever wakes them, taken once the
	// event was visible
	woken atomic.Int64
}

const asked = -1

// untimed is what WaitTimed answers when it cannot tell.
const untimed time.Duration = -1

// Wait blocks until an event with Seq > seq is visible, ctx ends or the ring closes, and returns
// nil, ctx's error or ErrClosed; nil whenever there is such an event.
//
// No wake-up is lost: a waiter registers and then looks at the state word once more, an append
// publishes and then looks for waiters.
func (r *Ring) Wait(ctx context.Context, seq uint64) error {
	_, err := r.wait(ctx, seq, false)
	return err
}

// WaitTimed is Wait, and tells how much time went by from the moment an event became visible that
// woke the caller until the caller ran again. That is negative when the caller did not have to
// wait, or was woken in the moment that it came. It costs the caller and whoever appends the event
// a reading of the clock each, about 100 ns.
func (r *Ring) WaitTimed(ctx context.Context, seq uint64) (late time.Duration, err error) {
	return r.wait(ctx, seq, true)
}

func (r *Ring) wait(ctx context.Context, seq uint64, timed bool) (late time.Duration, err error) {
	late = untimed
	for {
		word := r.word.Load()
		if seqOf(word) > seq {
			return late, nil
		}
		late = untimed
		if word&closedBit != 0 {
			return late, ErrClosed
		}
		w := r.wake.Load()
		if w == nil {
			w = &waiters{ch: make(chan struct{})}
			if !r.wake.CompareAndSwap(nil, w) {
				continue
			}
		}
		// Waiters that have a reading are awake already, from an earlier event.
		ask := timed && (w.woken.CompareAndSwap(0, asked) || w.woken.Load() == asked)
		if now := r.word.Load(); seqOf(now) > seq || now&closedBit != 0 {
			continue
		}
		select {
		case <-w.ch:
			if at := w.woken.Load(); ask && at != asked {
				late = r.group.Clock.Since(at)
			}
			r.wake.CompareAndSwap(w, nil)
		case <-ctx.Done():
			return late, ctx.Err()
		}
	}
}

// wakeAll wakes everybody who waits.
func (r *Ring) wakeAll() {
	if w := r.wake.Load(); w != nil {
		step.At(step.Waking)
		if w.woken.Load() == asked {
			w.woken.CompareAndSwap(asked, r.group.Clock.Exact())
		}
		w.wake()
		r.wake.CompareAndSwap(w, nil)
	}
}

// wake closes the channel unless it is closed. A channel has no such operation; that closing it
// twice panics, and does nothing else, makes one. It takes two goroutines that wake the same
// waiters at once to get that far.
func (w *waiters) wake() {
	select {
	case <-w.ch:
		return
	default:
	}
	defer func() { _ = recover() }()
	close(w.ch)
}

package ring

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/internal/step"
)

// waiters are the goroutines that wait for the same event. An append that finds them in Ring.wake
// closes the channel, and only then takes them out: if its goroutine stalls before, the next append
// wakes them.
type waiters struct {
	ch chan struct{}
	// First 0. A waiter that is to be timed sets it to asked; the goroutine that wakes the waiters
	// replaces that by a reading of the clock, taken once the event was visible.
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

// WaitTimed is Wait, and also tells how long the caller slept on after the event that woke it was
// visible. That is negative when the caller did not have to wait, or was woken just when it came.
// It costs the caller, and the append that wakes it, a reading of the clock each, about 100 ns.
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

// wake closes the channel unless it is closed. Channels have no such operation, but closing one
// twice does nothing except panic, which is recovered from here. That happens only when two
// goroutines wake the same waiters at the same time.
func (w *waiters) wake() {
	select {
	case <-w.ch:
		return
	default:
	}
	defer func() { _ = recover() }()
	close(w.ch)
}

package ring

import (
	"context"

	"github.com/reprise-go/reprise/internal/step"
)

// waiters are the goroutines that wait for the same event. Whoever finds them in Ring.wake closes the channel, and only then takes them out:
// should it stall in between, the next append wakes them all the same.
type waiters struct{ ch chan struct{} }

// Wait blocks until an event with Seq > seq is visible, ctx ends or the ring closes, and returns nil, ctx's error or ErrClosed; nil
// whenever there is such an event.
//
// No wake-up is lost: a waiter registers and then looks at the tail once more, an append moves the tail and then looks for waiters.
func (r *Ring) Wait(ctx context.Context, seq uint64) error {
	for {
		tail := r.tail.Load()
		if tailSeq(tail) > seq {
			return nil
		}
		if tail&tailClosed != 0 {
			return ErrClosed
		}
		w := r.wake.Load()
		if w == nil {
			w = &waiters{make(chan struct{})}
			if !r.wake.CompareAndSwap(nil, w) {
				continue
			}
		}
		if r.tail.Load() != tail {
			continue
		}
		select {
		case <-w.ch:
			r.wake.CompareAndSwap(w, nil)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wakeAll wakes everybody who waits.
func (r *Ring) wakeAll() {
	if w := r.wake.Load(); w != nil {
		step.At(step.Waking)
		w.wake()
		r.wake.CompareAndSwap(w, nil)
	}
}

// wake closes the channel unless it is closed. A channel has no such operation; that closing it twice panics, and does nothing else, makes
// one. It takes two goroutines that wake the same waiters at once to get that far.
func (w *waiters) wake() {
	select {
	case <-w.ch:
		return
	default:
	}
	defer func() { _ = recover() }()
	close(w.ch)
}

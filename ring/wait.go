package ring

import "context"

// waiters are the goroutines that wait for the same event. Whoever takes them from Ring.wake closes the channel.
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
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wakeAll wakes everybody who waits.
func (r *Ring) wakeAll() {
	if w := r.wake.Load(); w != nil && r.wake.CompareAndSwap(w, nil) {
		close(w.ch)
	}
}

package tiered

import (
	"context"
	"sync/atomic"
	"time"
)

// A turnstile bounds how many calls are made to the Store behind at once, and how long each takes.
// One that takes longer than usual gives its place to another before it is through: a hundred calls
// that hang hold nobody up.
type turnstile struct {
	ctx     context.Context // of calls that nobody waits for
	timeout time.Duration
	places  chan struct{}
	shared  atomic.Pointer[deadline]
}

// usual is how long a call keeps its place.
const usual = 50 * time.Millisecond

func newTurnstile(ctx context.Context, timeout time.Duration, places int) *turnstile {
	return &turnstile{ctx: ctx, timeout: timeout, places: make(chan struct{}, places)}
}

// through makes a call with a deadline.
func (t *turnstile) through(ctx context.Context, call func(context.Context) error) error {
	select {
	case t.places <- struct{}{}:
	default:
		select {
		case t.places <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	late := time.AfterFunc(usual, func() { <-t.places })
	defer func() {
		if late.Stop() {
			<-t.places
		}
	}()
	if ctx == t.ctx {
		return call(t.bounded())
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	return call(ctx)
}

// A deadline is a context that calls share which begin at about the same time.
type deadline struct {
	ctx    context.Context
	cancel context.CancelFunc // by its deadline
	since  time.Time
}

// bounded is ctx with a deadline that is the timeout away, or up to an eighth less.
func (t *turnstile) bounded() context.Context {
	now, d := time.Now(), t.shared.Load()
	if d == nil || now.Sub(d.since) > t.timeout/8 {
		next := &deadline{since: now}
		next.ctx, next.cancel = context.WithDeadline(t.ctx, now.Add(t.timeout))
		t.shared.Store(next)
		d = next
	}
	return d.ctx
}

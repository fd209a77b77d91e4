package tiered

import (
	"context"
	"sync/atomic"
	"time"
)

// A turnstile bounds how many calls are made to the Store behind at once, and how long each takes.
// A call that takes longer than usual gives its place to another before it is through: a hundred
// calls that hang hold nobody up. That takes a timer, so half of the places are given for as long
// as a call takes, however long that is: calls that hang may have all of these, and the others go
// on by the other half.
type turnstile struct {
	ctx     context.Context // of calls that nobody waits for
	timeout time.Duration
	steady  chan struct{} // for as long as a call takes
	places  chan struct{} // for no longer than usual
	shared  atomic.Pointer[deadline]
}

// usual is how long a call keeps one of places.
const usual = 50 * time.Millisecond

func newTurnstile(ctx context.Context, timeout time.Duration, places int) *turnstile {
	steady := places / 2
	return &turnstile{
		ctx: ctx, timeout: timeout,
		steady: make(chan struct{}, steady), places: make(chan struct{}, places-steady),
	}
}

// through makes a call with a deadline.
func (t *turnstile) through(ctx context.Context, call func(context.Context) error) error {
	p, err := t.enter(ctx)
	if err != nil {
		return err
	}
	defer t.leave(p)
	ctx, cancel := t.limit(ctx)
	defer cancel()
	return call(ctx)
}

// A place is what a call has while it is made.
type place struct {
	late *time.Timer // gives it to another; nil: it is steady
}

// enter waits for a place.
func (t *turnstile) enter(ctx context.Context) (place, error) {
	select {
	case t.steady <- struct{}{}:
		return place{}, nil
	default:
	}
	select {
	case t.steady <- struct{}{}:
		return place{}, nil
	case t.places <- struct{}{}:
		return place{late: time.AfterFunc(usual, func() { <-t.places })}, nil
	case <-ctx.Done():
		return place{}, ctx.Err()
	}
}

func (t *turnstile) leave(p place) {
	if p.late == nil {
		<-t.steady
	} else if p.late.Stop() {
		<-t.places
	}
}

// limit returns ctx with a deadline.
func (t *turnstile) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx == t.ctx {
		return t.bounded(), func() {}
	}
	return context.WithTimeout(ctx, t.timeout)
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

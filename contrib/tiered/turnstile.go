package tiered

import (
	"context"
	"time"
)

// A turnstile bounds how many calls are made to the Store behind at once. One that takes longer
// than usual gives its place to another before it is through: a hundred calls that hang hold nobody
// up.
type turnstile chan struct{}

// usual is how long a call keeps its place.
const usual = 50 * time.Millisecond

func newTurnstile(places int) turnstile { return make(turnstile, places) }

// through makes a call with a deadline.
func (t turnstile) through(ctx context.Context, timeout time.Duration, call func(context.Context) error) error {
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	late := time.AfterFunc(usual, func() { <-t })
	defer func() {
		if late.Stop() {
			<-t
		}
	}()
	return call(ctx)
}

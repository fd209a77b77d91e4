package interop

import (
	"context"
	"sync"
)

// A gauge is a number that only grows, and that somebody may wait for.
type gauge struct {
	mu    sync.Mutex
	n     int
	grown chan struct{} // closed by the next set
}

func newGauge() *gauge { return &gauge{grown: make(chan struct{})} }

func (g *gauge) set(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n = n
	close(g.grown)
	g.grown = make(chan struct{})
}

// wait until the gauge shows n or more.
func (g *gauge) wait(ctx context.Context, n int) error {
	for {
		g.mu.Lock()
		now, grown := g.n, g.grown
		g.mu.Unlock()
		if now >= n {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

package interop

import (
	"context"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen. It is reached by failing tests alone.
const patience = 30 * time.Second

// eventually polls until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// await waits for a channel to be closed.
func await(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("not in %v: %s", patience, what)
	}
}

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

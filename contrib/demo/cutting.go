package main

import (
	"sync"
	"time"

	"github.com/reprise-go/reprise/internal/testkit/proxy"
)

// A cutting is the proxy between client and server, and the cuts that it is still to make.
type cutting struct {
	*proxy.Proxy

	mu   sync.Mutex
	left int
	done chan struct{} // closed when none is left
}

// newCutting listens in front of target, for a number of cuts.
func newCutting(target string, cuts int) (*cutting, error) {
	p, err := proxy.Start(target)
	if err != nil {
		return nil, err
	}
	c := &cutting{Proxy: p, left: cuts, done: make(chan struct{})}
	if cuts == 0 {
		close(c.done)
	}
	return c, nil
}

// arm makes the proxy cut after that many more bytes towards the client, and no later than the
// given time. It reports false when a cut is pending, when nothing has come through since the last
// one, and when none is left.
func (c *cutting) arm(bytes int, within time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 || c.Passed() == 0 {
		return false
	}
	fuse, ok := c.CutAfter(bytes)
	if !ok {
		return false
	}
	if c.left--; c.left == 0 {
		go func() {
			<-fuse.Done
			close(c.done)
		}()
	}
	time.AfterFunc(within, fuse.Burn)
	return true
}

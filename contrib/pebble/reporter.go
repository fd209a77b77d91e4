package pebble

import (
	"fmt"
	"sync"
)

// A reporter takes what Pebble has to say. What went wrong in the background ends all writing:
// Pebble would try again for ever, and hold up appends meanwhile without a word to those who wait
// for them.
type reporter struct {
	mu      sync.Mutex
	commits *committer // nil: Open is not so far yet
	held    error
}

func (r *reporter) report(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.commits != nil {
		r.commits.fail(err)
	} else if r.held == nil {
		r.held = err
	}
}

// forward sends reports to c from now on, also the first of those that came before.
func (r *reporter) forward(c *committer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.commits = c; r.held != nil {
		c.fail(r.held)
	}
}

// hold reports an error that Pebble must not see while it writes, and returns it when it does not.
func (r *reporter) hold(err error) error {
	if err == nil {
		return nil
	}
	r.report(err)
	r.mu.Lock()
	c := r.commits
	r.mu.Unlock()
	if c != nil {
		c.awaitNobody()
	}
	return err
}

func (r *reporter) Infof(string, ...any) {}

func (r *reporter) Errorf(string, ...any) {} // what matters comes as a background error as well

// Fatalf is called when Pebble cannot go on, and must not return; the default ends the process.
// Here its goroutine ends up waiting for ever: what was confirmed can still be read.
func (r *reporter) Fatalf(format string, args ...any) {
	cause := fmt.Errorf(format, args...)
	for _, a := range args {
		if err, ok := a.(error); ok {
			cause = fmt.Errorf("%s: %w", format, err)
		}
	}
	r.report(cause)
	r.mu.Lock()
	c := r.commits
	r.mu.Unlock()
	if c == nil {
		panic(cause) // which Open turns into an error
	}
	c.wedged.Store(true)
	select {}
}

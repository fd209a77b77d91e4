package pebble

import (
	"errors"
	"fmt"
	"sync"
)

// A reporter takes what Pebble has to say. What went wrong in the background ends all writing: Pebble would try again for ever, and hold up
// appends meanwhile without a word to those who wait for them.
type reporter struct {
	mu   sync.Mutex
	fail func(error) // nil: Open is not so far yet
	held error
}

func (r *reporter) report(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		r.fail(err)
	} else if r.held == nil {
		r.held = err
	}
}

// forward sends reports to fail from now on, also the first of those that came before.
func (r *reporter) forward(fail func(error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail = fail; r.held != nil {
		fail(r.held)
	}
}

func (r *reporter) Infof(string, ...any) {}

func (r *reporter) Errorf(string, ...any) {} // what matters comes as a background error as well

// Fatalf is called when Pebble cannot go on. It must not return; the default ends the process.
func (r *reporter) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	for _, a := range args {
		if cause, ok := a.(error); ok {
			err = errors.Join(err, cause)
		}
	}
	r.report(err)
	panic(err)
}

//go:build reprise_steps

package step

import "sync/atomic"

// A Point names a place in a protocol.
type Point int

var hook atomic.Pointer[func(Point)]

// At calls the function given to Set, if any.
func At(p Point) {
	if f := hook.Load(); f != nil {
		(*f)(p)
	}
}

// Set makes every At call f, from whichever goroutine gets there; nil ends it.
func Set(f func(Point)) {
	if f == nil {
		hook.Store(nil)
		return
	}
	hook.Store(&f)
}

package shard

import (
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/callers"
	"github.com/reprise-go/reprise/ring"
)

// An endCall is a call of OnEnd that is due.
type endCall struct {
	s     *Session
	state state      // at the end
	log   ring.Stats // at the end
	next  *endCall   // in a list; written by whoever adds the call, then by the goroutine that makes calls
}

// endCalls calls OnEnd, for one session after another and in the order in which they ended, on a
// goroutine that exists while there are calls to make. Nobody waits to hand a call over: when a
// million are due at once, a lock would be passed from goroutine to goroutine.
type endCalls struct {
	onEnd func(Info) // nil: nothing is ever added

	// The calls that are due, the newest first. The goroutine takes them all at once and leaves
	// making in their place; nil there says that there is no goroutine, and whoever finds that when
	// it adds a call starts it. So there is never more than one.
	due atomic.Pointer[endCall]

	oldest *endCall       // calls that have been taken, in order; used by the goroutine alone
	seen   int            // how many of these have a session that is in the cache; the same
	done   sync.WaitGroup // the goroutine
}

// making is where the list of calls ends while a goroutine makes calls.
var making endCall

func (e *endCalls) init(onEnd func(Info)) { e.onEnd = onEnd }

func (e *endCalls) add(end *endCall) {
	for {
		newest := e.due.Load()
		end.next = newest
		if e.due.CompareAndSwap(newest, end) {
			if newest == nil {
				e.done.Go(e.run)
			}
			return
		}
	}
}

// take returns the next call to make. When there is none, the goroutine that asks must end.
func (e *endCalls) take() *endCall {
	if e.oldest == nil && !e.takeDue() {
		return nil
	}
	e.lookAhead()
	end := e.oldest
	e.oldest, end.next = end.next, nil
	e.seen--
	return end
}

// takeDue takes all calls that are due.
func (e *endCalls) takeDue() bool {
	newest := e.due.Swap(&making)
	for newest == &making {
		if e.due.CompareAndSwap(&making, nil) {
			return false
		}
		newest = e.due.Swap(&making)
	}
	for end := newest; end != nil && end != &making; {
		next := end.next
		end.next, e.oldest = e.oldest, end
		end = next
	}
	e.seen = 0
	return true
}

// lookAhead looks at the sessions of the next few calls, unless it has, which brings them into the
// cache together: one after the other, each would have to be waited for.
func (e *endCalls) lookAhead() {
	if e.seen > 0 {
		return
	}
	for end := e.oldest; end != nil && e.seen < ahead; end = end.next {
		end.s.done.Load()
		e.seen++
	}
}

func (e *endCalls) run() {
	through := false
	defer func() {
		if !through { // OnEnd has called runtime.Goexit, as a failing test does: the other calls are still due
			e.done.Go(e.run)
		}
	}()
	for {
		end := e.take()
		if end == nil {
			through = true
			return
		}
		<-end.s.Done()
		callOnEnd(e.onEnd, end.s.infoAt(end.state, end.log))
	}
}

// callOnEnd makes one call. A goroutine that has it on its stack runs inside an OnEnd.
//
//go:noinline
func callOnEnd(onEnd func(Info), final Info) { onEnd(final) }

// wait waits until all calls have returned. Inside OnEnd, whichever Manager's, it does not wait:
// the call would wait for itself, or two Managers that close each other from OnEnd for one another.
func (e *endCalls) wait() {
	if !callers.Include(callers.Entry(callOnEnd)) {
		e.done.Wait()
	}
}

package shard

import (
	"sync"

	"github.com/reprise-go/reprise/internal/callers"
	"github.com/reprise-go/reprise/ring"
)

// An endCall is a call of OnEnd that is due.
type endCall struct {
	s     *Session
	state state      // at the end
	log   ring.Stats // at the end
}

// endCalls calls OnEnd, for one session after another and in the order in which they ended, on a
// goroutine that exists while there are calls to make. Calls are handed over many at a time: when a
// million are due at once, nobody waits for the lock.
type endCalls struct {
	onEnd func(Info) // nil: nothing is ever added

	mu      sync.Mutex  // held for a few instructions, never while onEnd runs
	queue   [][]endCall // in order, in batches
	running bool

	taken []endCall      // calls that are being made; used by the goroutine alone
	done  sync.WaitGroup // the goroutine
}

// endBatch is how many calls are handed over at once at most.
const endBatch = 256

func (e *endCalls) init(onEnd func(Info)) { e.onEnd = onEnd }

func (e *endCalls) add(end endCall) {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := len(e.queue) - 1
	if last < 0 || len(e.queue[last]) == endBatch {
		var room []endCall
		if last >= 0 { // many at a time
			room = make([]endCall, 0, endBatch)
		}
		e.queue = append(e.queue, room)
		last++
	}
	e.queue[last] = append(e.queue[last], end)
	if !e.running {
		e.running = true
		e.done.Go(e.run)
	}
}

// take returns the next call to make. When there is none, the goroutine that asks must end.
func (e *endCalls) take() (end endCall, ok bool) {
	if len(e.taken) == 0 && !e.takeBatch() {
		return endCall{}, false
	}
	end, e.taken[0] = e.taken[0], endCall{}
	e.taken = e.taken[1:]
	return end, true
}

// takeBatch takes out the oldest calls. It looks at all of their sessions, which brings them into
// the cache together: one after the other, each would have to be waited for.
func (e *endCalls) takeBatch() bool {
	if !e.takeOldest() {
		return false
	}
	for _, end := range e.taken {
		end.s.done.Load()
	}
	return true
}

func (e *endCalls) takeOldest() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		e.queue, e.taken, e.running = nil, nil, false
		return false
	}
	e.taken, e.queue[0] = e.queue[0], nil
	e.queue = e.queue[1:]
	return true
}

func (e *endCalls) run() {
	through := false
	defer func() {
		if !through { // OnEnd has called runtime.Goexit, as a failing test does: the other calls are still due
			e.done.Go(e.run)
		}
	}()
	for {
		end, ok := e.take()
		if !ok {
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

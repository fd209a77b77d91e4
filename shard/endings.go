package shard

import (
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/goid"
	"github.com/reprise-go/reprise/ring"
)

// An ending is a call of OnEnd that is due.
type ending struct {
	s   *Session
	w   word       // at the end
	log ring.Stats // at the end
}

// endings calls OnEnd, for one session after another and in the order in which they ended, on a goroutine that exists while there
// are calls to make.
type endings struct {
	onEnd func(Info) // nil: nothing is ever added

	mu      sync.Mutex // held for a few instructions, never while onEnd runs
	queue   []ending   // those before next have been taken out
	next    int
	running bool

	caller atomic.Uint64  // the goroutine's number, 0 without one; written by it, read by wait
	done   sync.WaitGroup // of the goroutine
}

func (e *endings) init(onEnd func(Info)) { e.onEnd = onEnd }

func (e *endings) add(end ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next > len(e.queue)/2 { // make room at the front, or a queue that is never empty would grow for ever
		left := copy(e.queue, e.queue[e.next:])
		clear(e.queue[left:])
		e.queue, e.next = e.queue[:left], 0
	}
	e.queue = append(e.queue, end)
	if !e.running {
		e.running = true
		e.done.Go(e.run)
	}
}

// take returns the next call to make. When there is none, the goroutine has to go.
func (e *endings) take() (ending, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next == len(e.queue) {
		e.queue, e.next, e.running = nil, 0, false
		e.caller.Store(0)
		return ending{}, false
	}
	end := e.queue[e.next]
	e.queue[e.next] = ending{}
	e.next++
	return end, true
}

func (e *endings) run() {
	through := false
	defer func() {
		if !through { // OnEnd has called runtime.Goexit, as a failing test does: the other calls are still due
			e.done.Go(e.run)
		}
	}()
	e.caller.Store(goid.Current())
	for {
		end, ok := e.take()
		if !ok {
			through = true
			return
		}
		<-end.s.Done()
		e.onEnd(end.s.infoAt(end.w, end.log))
	}
}

// wait waits until all calls have returned, unless it is called from one of them.
func (e *endings) wait() {
	if caller := e.caller.Load(); caller != 0 && caller == goid.Current() {
		return
	}
	e.done.Wait()
}

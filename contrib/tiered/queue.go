package tiered

import "sync"

// queue holds sessions that have something to copy, each once.
type queue struct {
	mu     sync.Mutex
	more   sync.Cond
	first  *copying
	last   *copying
	closed bool
}

func (q *queue) init() { q.more.L = &q.mu }

// push adds c if it is not there. One that is being worked on is worked on again.
func (q *queue) push(c *copying) {
	if c.pending.Swap(true) { // set until a worker takes it, so that an append to a busy session costs one swap
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.busy {
		return
	}
	q.add(c)
}

func (q *queue) add(c *copying) {
	c.busy = true
	if q.last == nil {
		q.first = c
	} else {
		q.last.next = c
	}
	q.last = c
	q.more.Signal()
}

// pop waits for a session and takes it; nil: the queue is closed.
func (q *queue) pop() *copying {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.first == nil && !q.closed {
		q.more.Wait()
	}
	if q.closed {
		return nil
	}
	c := q.first
	if q.first = c.next; q.first == nil {
		q.last = nil
	}
	c.next = nil
	c.pending.Store(false) // what is appended from now on is pushed
	return c
}

// done gives a session back, which is queued again if there is more to do.
func (q *queue) done(c *copying) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c.busy = false
	if c.pending.Load() {
		q.add(c)
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}

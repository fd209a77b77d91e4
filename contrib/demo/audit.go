package main

import "sync"

// audit counts what a client receives of a numbered stream. It is safe for concurrent use.
type audit struct {
	mu         sync.Mutex
	times      []int // how often each number has come; the first is 1
	received   int
	highest    int
	distinct   int
	disordered int
	wrong      int           // numbers or contents that were never sent
	complete   chan struct{} // closed when every number has come
}

func newAudit(total int) *audit {
	return &audit{times: make([]int, total+1), complete: make(chan struct{})}
}

// add records an arrival and returns how many there have been.
func (a *audit) add(number int, intact bool) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.received++
	if number < 1 || number >= len(a.times) || !intact {
		a.wrong++
		return a.received
	}
	if a.times[number]++; a.times[number] > 1 {
		return a.received
	}
	if number < a.highest {
		a.disordered++
	}
	a.highest = max(a.highest, number)
	if a.distinct++; a.distinct == len(a.times)-1 {
		close(a.complete)
	}
	return a.received
}

// sum fills in what the audit has found.
func (a *audit) sum(o *outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o.received, o.disordered, o.wrong = a.received, a.disordered, a.wrong
	o.lost = len(a.times) - 1 - a.distinct
	o.duplicated = a.received - a.wrong - a.distinct
}

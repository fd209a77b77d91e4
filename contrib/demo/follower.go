package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// follower follows the sessions of one slot, one after the other, and checks every event.
type follower struct {
	g       *generator
	slot    *slot
	checked int64
}

func (f *follower) run() {
	for !f.g.over.Load() {
		f.follow(f.slot.current.Load())
	}
}

// follow reads one session to its end: each number must be one above the last, and the last one the
// last that was sent.
func (f *follower) follow(l *life) {
	last := uint64(0)
	for e, err := range replay.Follow(context.Background(), l.session, "") {
		if err != nil {
			f.ended(l, last, err)
			return
		}
		n, whole := number(e.Data)
		if !whole || n != last+1 {
			f.g.faults.add(fmt.Sprintf("a follower got event %d (whole: %v) after %d", n, whole, last))
		}
		last = n
		l.read.Store(n)
		f.checked++
	}
}

func (f *follower) ended(l *life, last uint64, err error) {
	if !errors.Is(err, shard.ErrNotFound) {
		f.g.faults.add(fmt.Sprintf("a follower ended with %v after event %d", err, last))
		return
	}
	// A session that had ended before it could be followed has nothing to show.
	if total := l.total.Load(); last != 0 && last != total {
		f.g.faults.add(fmt.Sprintf("a follower got %d events of %d", last, total))
	}
}

// faults collects what went wrong. It is safe for concurrent use.
type faults struct {
	mu    sync.Mutex
	count int
	first string
}

func (f *faults) add(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count++; f.count == 1 {
		f.first = what
	}
}

func (f *faults) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == 0 {
		return nil
	}
	return fmt.Errorf("part 2: %d faults; the first: %s", f.count, f.first)
}

package sse

import (
	"context"
	"sync"
	"sync/atomic"
)

// A Set is the open streams of one front end. The zero Set is empty and ready.
type Set struct {
	mu     sync.Mutex               // guards what follows; held for a few instructions, save by Close
	all    map[*Writer]struct{}     // from Enter to Leave
	newest map[string]*Writer       // by key, of those that Take or TryTake put here; a subset of all
	closed bool                     // set by Close, for good
	turns  map[string]chan struct{} // by key, of those that have the turn; closed when they give it on

	_                              [64]byte // apart from the lock
	open                           atomic.Int64
	streams, slow, replaced, bytes atomic.Uint64
	_                              [64]byte
}

// Counts are what a Set has counted so far.
type Counts struct {
	Open     int    // streams begun and not finished
	Streams  uint64 // begun, ever
	Slow     uint64 // of these, ended because a piece took longer than its time
	Replaced uint64 // of these, ended by Take
	Bytes    uint64 // written
}

// Counts may be called at any time; what is written meanwhile may be in some fields and not yet in
// others.
func (s *Set) Counts() Counts {
	return Counts{
		Open: int(s.open.Load()), Streams: s.streams.Load(), Slow: s.slow.Load(), Replaced: s.replaced.Load(),
		Bytes: s.bytes.Load(),
	}
}

// Enter adds w unless the Set is closed. Whoever enters leaves.
func (s *Set) Enter(w *Writer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.all == nil {
		s.all, s.newest = map[*Writer]struct{}{}, map[string]*Writer{}
	}
	s.all[w] = struct{}{}
	return true
}

// Leave takes w out; once it has returned, nobody but its owner touches w or its ResponseWriter.
func (s *Set) Leave(w *Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, in := s.all[w]; !in {
		return
	}
	delete(s.all, w)
	if s.newest[w.key] == w {
		delete(s.newest, w.key)
	}
	close(w.gone)
}

// Take makes w, which has entered, the one stream of key, and ends the one before as Close does,
// which it returns; nil: there was none. Of two that race the later one stays.
func (s *Set) Take(key string, w *Writer) (before *Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.newest[key]
	if before == w {
		return nil
	}
	s.newest[key], w.key = w, key
	if before != nil {
		before.replaced.Store(true)
		before.End(closeGrace)
	}
	return before
}

// TryTake makes w, which has entered, the one stream of key unless there is one.
func (s *Set) TryTake(key string, w *Writer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest[key] != nil {
		return false
	}
	s.newest[key], w.key = w, key
	return true
}

// Turn lets those who take over a key do so one after the other: it waits until nobody else has the
// turn, or returns ctx's error. done gives the turn on.
func (s *Set) Turn(ctx context.Context, key string) (done func(), err error) {
	mine := make(chan struct{})
	for {
		other := s.turnOrOther(key, mine)
		if other == mine {
			return func() { s.giveTurn(key) }, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// turnOrOther returns mine, which then has the turn, or what is closed when its holder gives it on.
func (s *Set) turnOrOther(key string, mine chan struct{}) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other, taken := s.turns[key]; taken {
		return other
	}
	if s.turns == nil {
		s.turns = map[string]chan struct{}{}
	}
	s.turns[key] = mine
	return mine
}

func (s *Set) giveTurn(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.turns[key])
	delete(s.turns, key)
}

// Holds reports whether key has a stream.
func (s *Set) Holds(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest[key] != nil
}

// Close ends every stream and lets no other one in. It does not wait for them: what is being
// written may take another second. It is idempotent and safe in any goroutine.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for w := range s.all {
		w.End(closeGrace)
	}
}

package gosdk

import (
	"container/list"
	"context"
	"errors"
	"sync"

	"github.com/reprise-go/reprise/internal/lru"
)

var errUsedUp = errors.New("gosdk: no index left in stream")

const (
	lanes    = 8   // how many appends and replays of one session run side by side
	maxLosts = 256 // refused events of one session that are stood in for
	maxIndex = lru.MaxValue
)

// session is what the adapter knows of one session: how far each of its streams has counted. The
// events are the Store's.
type session struct {
	key   string        // the SDK's session ID
	id    string        // the Store's: the same, but for the sessions that the SDK calls ""
	first uint64        // where the standalone stream begins to count
	turn  *list.Element // its place in registry.turns, under the registry's mutex

	mu      sync.Mutex  // guards what follows; held for a few table steps only, never across a call of the Store
	lane    [lanes]lane // lane[hash%lanes] is for that stream
	streams lru.Table   // the next index of each stream
	losts   []lost      // the oldest first
	users   int         // connections that share the session ""
	heard   bool        // somebody has listened to the standalone stream
	ended   bool        // nothing may open a stream any more
}

// A lane makes taking an index and storing the event one step, so that a stream's events lie in the
// Store in the order of their indices and a replay never meets an index whose event is still on its
// way. It is held across the Store's Append, for which a replay may stop waiting, and never while
// events are handed out. Streams that share a lane wait for each other's Store. SessionClosed takes
// none.
type lane struct {
	held bool
	free chan struct{} // closed when the lane is given up; nil while nobody waits
}

// lost stands for an event that the Store has refused.
type lost struct {
	stream uint64
	index  uint64
	data   []byte // what a replay yields in its place
}

// enter waits for a stream's lane until ctx ends.
func (s *session) enter(ctx context.Context, stream uint64) error {
	l := &s.lane[stream%lanes]
	for {
		s.mu.Lock()
		if !l.held {
			l.held = true
			s.mu.Unlock()
			return nil
		}
		if l.free == nil {
			l.free = make(chan struct{})
		}
		free := l.free
		s.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *session) leave(stream uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.lane[stream%lanes]
	l.held = false
	if l.free != nil {
		close(l.free)
		l.free = nil
	}
}

// open makes a stream known, or touches it. It reports false when the session has ended.
func (s *session) open(stream uint64, standalone bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	next, known := s.streams.Get(stream)
	if !known && standalone {
		next = s.first
	}
	s.streams.Set(stream, next)
	if standalone {
		s.streams.Pin(stream) // it is open for as long as its session
		s.users++
	}
	return true
}

// take returns the stream's next index and counts on: whatever becomes of the event, the SDK has
// counted it too.
func (s *session) take(stream uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	index, known := s.streams.Get(stream)
	switch {
	case !known:
		return 0, ErrUnknownStream
	case index == maxIndex:
		return 0, errUsedUp
	}
	s.streams.Set(stream, index+1)
	return index, nil
}

// next returns the index that the stream's next event will have.
func (s *session) next(stream uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, known := s.streams.Get(stream)
	if !known {
		return 0, ErrUnknownStream
	}
	return next, nil
}

// lose remembers what stands for a refused event.
func (s *session) lose(l lost) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.losts) == maxLosts {
		s.losts = append(s.losts[:0], s.losts[1:]...)
	}
	s.losts = append(s.losts, l)
}

// lostOf returns what stands for the stream's refused events, by their index.
func (s *session) lostOf(stream uint64) map[uint64][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var of map[uint64][]byte
	for _, l := range s.losts {
		if l.stream != stream {
			continue
		}
		if of == nil {
			of = map[uint64][]byte{}
		}
		of[l.index] = l.data
	}
	return of
}

// hear notes that somebody listens, and reports whether that is the first.
func (s *session) hear() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.heard
	s.heard = true
	return first
}

// end refuses all later opens. When last is true it does so only once no connection shares the
// session any more, and reports whether that is now.
func (s *session) end(last bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	if last && s.users > 0 {
		return false
	}
	s.ended = true
	return true
}

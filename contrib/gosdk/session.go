package gosdk

import (
	"container/list"
	"errors"
	"sync"
)

var errUsedUp = errors.New("gosdk: no index left in stream")

// lanes is how many appends and replays of one session run side by side. Two streams that share a lane wait for each other's Store.
const lanes = 8

// session is what the adapter knows of one session: how far each of its streams has counted. The events are the Store's.
type session struct {
	key  string        // the SDK's session ID
	id   string        // the Store's: the same, but for the sessions that the SDK calls ""
	turn *list.Element // its place in registry.turns, under the registry's mutex

	// lane[hash%lanes] makes taking an index and storing the event one step, so that a stream's events lie in the Store in the order of
	// their indices and a replay never meets an index whose event is still on its way. It is held across the Store's Append and
	// never while events are handed out. SessionClosed takes none.
	lane [lanes]sync.Mutex

	mu      sync.Mutex // guards what follows; held for a few table steps only, never across a call of the Store
	streams table
	users   int  // connections that share the session ""
	ended   bool // nothing may open a stream any more
}

func (s *session) laneOf(stream uint64) *sync.Mutex { return &s.lane[stream%lanes] }

// open makes a stream known, counting from 0, or touches it. It reports false when the session has ended.
func (s *session) open(stream uint64, standalone bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	n := s.streams.find(stream)
	if n == 0 {
		n = s.streams.add(stream)
		if standalone {
			s.streams.pin(n)
		}
	}
	s.streams.touch(n)
	if standalone {
		s.users++
	}
	return true
}

// take returns the stream's next index and counts on: whatever becomes of the event, the SDK has counted it too.
func (s *session) take(stream uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.streams.find(stream)
	if n == 0 {
		return 0, ErrUnknownStream
	}
	e := s.streams.at(n)
	index := e.next()
	if index == maxIndex {
		return 0, errUsedUp
	}
	e.setNext(index + 1)
	s.streams.touch(n)
	return index, nil
}

// next returns the index that the stream's next event will have.
func (s *session) next(stream uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.streams.find(stream)
	if n == 0 {
		return 0, ErrUnknownStream
	}
	return s.streams.at(n).next(), nil
}

// end refuses all later opens. When last is true it does so only once no connection shares the session any more, and reports whether
// that is now.
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

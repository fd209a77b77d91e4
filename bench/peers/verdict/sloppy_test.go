package verdict

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A sloppy store gets every case wrong: it has one log for all sessions, sends what the client has
// again, begins with whatever is there, looks at the log anew for each event that it hands out,
// keeps what it has dropped, and ends nothing.
type sloppy struct {
	Limits
	locks   bool // hold the mutex while handing out
	mu      sync.Mutex
	log     []sloppyEvent
	dropped [][]byte
	ids     int
	streams []string
	sum     byte // of all streams' names, made anew for each event
	woken   chan struct{}
}

type sloppyEvent struct{ id, data string }

func newSloppy(l Limits, locks bool) *sloppy {
	return &sloppy{Limits: l, locks: locks, woken: make(chan struct{})}
}

func (s *sloppy) Open(_, stream string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = append(s.streams, stream)
	return nil
}

func (s *sloppy) Append(_, _, _, data string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := s.sum // the race detector would look at each change of the field
	for _, stream := range s.streams {
		for i := range len(stream) {
			sum = sum*31 + stream[i]
		}
	}
	s.sum = sum
	id := fmt.Sprint(s.ids)
	s.ids++
	s.dropped = append(s.dropped, append(make([]byte, 0, 64), data...))
	s.log = append(s.log, sloppyEvent{id, data})
	s.log = s.log[max(0, len(s.log)-s.Events):]
	close(s.woken)
	s.woken = make(chan struct{})
	return id, nil
}

func (s *sloppy) Resume(_, _, lastEventID string, got func(id, data string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	begin := 0
	for i, e := range s.log {
		if e.id == lastEventID {
			begin = i
		}
	}
	if begin == len(s.log)-1 {
		begin = 0
	}
	for i := begin; i < len(s.log); i++ {
		e := s.log[i]
		if !s.locks {
			s.mu.Unlock()
		}
		got(e.id, e.data)
		if !s.locks {
			s.mu.Lock()
		}
	}
	return nil
}

// Follow does not see what is stored between replay and live.
func (s *sloppy) Follow(ctx context.Context, session, stream, lastEventID string, got func(id, data string)) error {
	s.Resume(session, stream, lastEventID, got)
	for time.Sleep(time.Millisecond); ; {
		s.mu.Lock()
		woken := s.woken
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-woken:
		}
		s.mu.Lock()
		e := s.log[len(s.log)-1]
		s.mu.Unlock()
		got(e.id, e.data)
	}
}

func (*sloppy) End(string) error { return nil }
func (*sloppy) Close()           {}

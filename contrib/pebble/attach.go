package pebble

import (
	"errors"

	"github.com/reprise-go/reprise/shard"
)

// attach counts a reader, and returns the write that says so if it is the first.
func (s *session) attach() (*write, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.store.now()
	if err := s.usable(now, false); err != nil {
		return nil, err
	}
	if most := s.store.cfg.MaxAttached; most > 0 && s.readers >= most {
		return nil, about(shard.ErrAttachLimit, s.id)
	}
	s.readers++
	s.touch(now)
	if s.readers > 1 {
		return nil, nil
	}
	s.store.sweeper.open.Add(1)
	s.store.sweeper.expect(now + int64(signs))
	if s.onDisk {
		return nil, nil
	}
	w, err := s.edit().queue()
	if errors.Is(err, shard.ErrClosed) {
		s.readers--
		s.store.sweeper.open.Add(-1)
		return nil, err
	}
	return w, nil
}

// detach takes a reader off. The last one leaves its activity behind, which may reach the disk
// later: until then the disk says that it is there. If the session has ended, what it has read
// goes.
func (s *session) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.store.now()
	s.touch(now)
	if s.readers--; s.readers > 0 {
		return
	}
	s.store.sweeper.open.Add(-1)
	if s.store.closed.Load() {
		return
	}
	s.settle(now)
	if !s.decided.isEnded() {
		s.edit().queue()
		return
	}
	if s.garbage {
		s.garbage = false
		e := s.edit()
		e.removeEvents()
		e.batch.Delete(garbageKey(s.inc), nil)
		e.send()
	}
}

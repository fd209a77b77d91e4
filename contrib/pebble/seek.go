package pebble

import (
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// resolve returns the sequence after which a reader begins, and the stream of the event that it
// begins after, if it does.
func (s *session) resolve(at replay.Position) (seq uint64, stream *string, err error) {
	s.mu.Lock()
	seen, oldest := s.seen, s.decided.first
	s.mu.Unlock()
	switch {
	case at.LastEventID != "":
		return s.after(at.LastEventID, &seen, oldest)
	case at.Live:
		return seen.last, nil, nil
	}
	return min(oldest-1, seen.last), nil, nil
}

// after finds the place just after an ID in what is confirmed. Events before oldest have been
// evicted.
func (s *session) after(id string, seen *state, oldest uint64) (seq uint64, stream *string, err error) {
	if len(id) > ring.MaxMaxIDBytes {
		return 0, nil, unknown(id)
	}
	if err := s.store.enter(); err != nil {
		return 0, nil, err
	}
	defer s.store.leave()
	seq, found, err := s.locate(id, seen)
	if err != nil {
		return 0, nil, err
	}
	if found {
		if seq < oldest {
			return 0, nil, about(ring.ErrEvicted, id)
		}
		e, err := s.read(seq, seen)
		if err != nil && s.hasEvicted(seq) {
			err = about(ring.ErrEvicted, id)
		}
		if err != nil {
			return 0, nil, err
		}
		if e.ID == id {
			return seq, &e.Stream, nil
		}
	}
	return s.afterOwn(id, seen, oldest)
}

// afterOwn is after for an ID that the session has given, if it has, but to no event that is
// retained.
func (s *session) afterOwn(id string, seen *state, oldest uint64) (seq uint64, stream *string, err error) {
	name, kind, seq, own := parseOwn(s.tag, id)
	if !own {
		name, seq, ok := parseNumbered(id)
		for _, r := range seen.names {
			if ok && r.name == name && seq < seen.first {
				return 0, nil, about(ring.ErrEvicted, id)
			}
		}
	}
	if !own || seq > seen.last || kind == '-' && seq == 0 {
		return 0, nil, unknown(id)
	}
	if kind == '-' {
		if seq < seen.first {
			return 0, nil, about(ring.ErrEvicted, id)
		}
		return 0, nil, unknown(id)
	}
	if seq+1 < oldest {
		return 0, nil, about(ring.ErrEvicted, id)
	}
	for i, r := range seen.runs {
		if r.name == name && (i == len(seen.runs)-1 || seq < seen.runs[i+1].first) {
			return seq, nil, nil
		}
	}
	return 0, nil, unknown(id)
}

func unknown(id string) error { return about(ring.ErrUnknownID, id) }

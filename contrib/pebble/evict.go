package pebble

import (
	"fmt"

	"github.com/reprise-go/reprise/ring"
)

var errNoEvent = fmt.Errorf("%w: an event is missing", ErrCorrupt)

// evict removes the oldest events until the ones of a fit, and returns how many they are. next has
// the new ones already.
func (e edit) evict(a *addition, next *state) (n int, err error) {
	s := e.s
	for next.last+1-next.first > uint64(s.limits.MaxEvents) || next.bytes > int64(s.limits.MaxBytes) {
		old, err := s.slot(next.first)
		if err != nil {
			return 0, err
		}
		e.batch.Delete(eventKey(s.inc, next.first), nil)
		if old.id != "" {
			if err := e.unindex(old.id, next.first, a); err != nil {
				return 0, err
			}
		}
		next.bytes -= old.cost
		next.first++
		n++
	}
	return n, nil
}

// unindex removes an evicted event's ID from the index, unless it has become that of a newer event.
func (e edit) unindex(id string, seq uint64, a *addition) error {
	s := e.s
	if s.decided.shared {
		if newer, ok := s.ids[id]; ok && newer.events[len(newer.events)-1].Seq > seq {
			for i := range newer.events {
				if newer.events[i].ID == id && newer.events[i].Seq > seq {
					return nil
				}
			}
		}
		if now, found, err := s.store.indexed(s.inc, id); err != nil || found && now != seq {
			return err
		}
	}
	return e.batch.Delete(indexKey(s.inc, id), nil)
}

// slot returns what eviction must know of a retained event, which it reads ahead.
func (s *session) slot(seq uint64) (slot, error) {
	if seq >= s.unseenAt {
		return s.unseen[seq-s.unseenAt], nil
	}
	if at := seq - s.decided.first; at < uint64(len(s.oldest)) {
		return s.oldest[at], nil
	}
	const readAhead, bytesAhead = 64, 256 << 10
	bytes := int64(0)
	err := s.store.scan(s.inc, seq, min(seq+readAhead, s.unseenAt), func(seq uint64, r *rawEvent) bool {
		one := slot{id: string(r.id), cost: ring.Overhead + int64(len(r.id)+len(r.stream)+len(r.kind)+len(r.data))}
		one.cost += int64(len(s.nameOf(seq, r, &s.decided)))
		s.oldest = append(s.oldest, one)
		bytes += one.cost
		return bytes < bytesAhead
	})
	if err != nil {
		return slot{}, err
	}
	if at := seq - s.decided.first; at < uint64(len(s.oldest)) {
		return s.oldest[at], nil
	}
	return slot{}, fmt.Errorf("%w: %d of session %.64q", errNoEvent, seq, s.id)
}

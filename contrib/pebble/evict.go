package pebble

import (
	"fmt"
	"math"

	"github.com/reprise-go/reprise/ring"
)

var errNoEvent = fmt.Errorf("%w: an event is missing", ErrCorrupt)

// An eviction is what evict has decided.
type eviction struct {
	bytes   int64
	removed bool // with all that were evicted before
}

// Evicted events stay on the disk until they are so many, or have so many bytes: then they are
// removed together, for keys that follow on one another cost the engine little.
const (
	fewEvicted      = 64
	fewEvictedBytes = 256 << 10
)

// evict drops the oldest events until the ones of a fit, or one is left. next has the new ones
// already.
func (e edit) evict(a *addition, next *state) (gone eviction, err error) {
	s := e.s
	exceeds := func() bool {
		return next.last+1-next.first > uint64(s.limits.MaxEvents) || next.bytes > int64(s.limits.MaxBytes)
	}
	for next.first < next.last && exceeds() {
		old, err := s.slot(next.first)
		if err != nil {
			return gone, err
		}
		if old.id != "" {
			if err := e.unindex(old.id, next.first, a); err != nil {
				return gone, err
			}
		}
		next.bytes -= old.cost
		next.first++
		gone.bytes += old.cost
	}
	if gone.bytes > 0 {
		err = e.remove(&gone, next.first)
	}
	return gone, err
}

// remove removes the events before first, once they are many.
func (e edit) remove(gone *eviction, first uint64) (err error) {
	s := e.s
	if s.kept == 0 {
		if s.kept, err = s.oldestStored(); err != nil {
			return err
		}
	}
	if first-s.kept < fewEvicted && s.keptBytes+gone.bytes < fewEvictedBytes {
		return nil
	}
	gone.removed = true
	for seq := s.kept; seq < first; seq++ {
		op := e.batch.DeleteDeferred(eventKeyLen)
		appendEventKey(op.Key[:0], s.inc, seq)
	}
	return nil
}

// emptied takes note that all events are gone, and that next is the sequence of the next one.
func (s *session) emptied(next uint64) {
	s.readAhead, s.unseen, s.costs, s.keptBytes = nil, nil, nil, 0
	s.unseenAt, s.costsAt, s.kept = next, next, next
}

// evicted takes note of an eviction that is queued.
func (s *session) evicted(gone eviction) {
	if first := s.decided.first; first > s.costsAt {
		s.costs, s.costsAt = s.costs[first-s.costsAt:], first
	}
	s.keptBytes += gone.bytes
	if gone.removed {
		s.kept, s.keptBytes = s.decided.first, 0
	}
}

// oldestStored returns the sequence of the oldest event on the disk, which may have been evicted.
func (s *session) oldestStored() (seq uint64, err error) {
	it, err := s.store.over(eventKey(s.inc, 0), eventKey(s.inc+1, 0))
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if !it.First() {
		if err := it.Error(); err != nil {
			return 0, unreadable(err)
		}
		return 0, errNoEvent
	}
	seq, ok := seqOf(it.Key())
	if !ok || seq > s.decided.first {
		return 0, errNoEvent
	}
	return seq, nil
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
		if now, found, err := s.store.indexed(s.inc, id); err != nil || found && now > seq {
			return err
		}
	}
	return e.batch.Delete(indexKey(s.inc, id), nil)
}

// slot returns what eviction must know of a retained event. What an event costs is in memory if it
// was appended since the directory was opened, 4 bytes each; an ID that is in the index is on the
// disk alone, and so is all that was there before: that is read ahead.
func (s *session) slot(seq uint64) (slot, error) {
	if seq >= s.unseenAt {
		return s.unseen[seq-s.unseenAt], nil
	}
	if seq >= s.costsAt {
		if cost := s.costs[seq-s.costsAt]; cost > 0 {
			return slot{cost: int64(cost)}, nil
		}
	}
	if seq >= s.readAt && seq-s.readAt < uint64(len(s.readAhead)) {
		return s.readAhead[seq-s.readAt], nil
	}
	const ahead, bytesAhead = 64, 256 << 10
	bytes := int64(0)
	s.readAhead, s.readAt = s.readAhead[:0], seq
	err := s.store.scan(s.inc, seq, min(seq+ahead, s.unseenAt), func(seq uint64, r *rawEvent) bool {
		one := slot{id: string(r.id), cost: ring.Overhead + int64(len(r.id)+len(r.stream)+len(r.kind)+len(r.data))}
		one.cost += int64(len(s.nameOf(seq, r, &s.decided)))
		s.readAhead = append(s.readAhead, one)
		bytes += one.cost
		return bytes < bytesAhead
	})
	if err != nil {
		return slot{}, err
	}
	if len(s.readAhead) == 0 {
		return slot{}, fmt.Errorf("%w: %d of session %.64q", errNoEvent, seq, s.id)
	}
	return s.readAhead[0], nil
}

// remember keeps what eviction will have to know of events that are queued. 0 is on the disk.
func (s *session) remember(added []slot) {
	s.unseen = append(s.unseen, added...)
	for i := range added {
		cost := uint32(0)
		if added[i].id == "" && added[i].cost <= math.MaxUint32 {
			cost = uint32(added[i].cost)
		}
		s.costs = append(s.costs, cost)
	}
}

package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// enter is called before the engine is read, and leave afterwards: Close waits until all have left.
// It fails once the Store is closed.
func (s *Store) enter() error {
	s.gate.RLock()
	if s.closed.Load() {
		s.gate.RUnlock()
		return shard.ErrClosed
	}
	return nil
}

func (s *Store) leave() { s.gate.RUnlock() }

// indexed returns the sequence that the index has for an event ID.
func (s *Store) indexed(inc uint64, id string) (seq uint64, found bool, err error) {
	key := indexKey(inc, id)
	value, closer, err := s.db.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, unreadable(err)
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, false, fmt.Errorf("%w: the value of key %q", ErrCorrupt, key)
	}
	return binary.BigEndian.Uint64(value), true, nil
}

// over returns what goes over the keys from one to before another. It is to be closed.
func (s *Store) over(from, end []byte) (*engine.Iterator, error) {
	it, err := s.db.NewIter(&engine.IterOptions{LowerBound: from, UpperBound: end})
	if err != nil {
		return nil, unreadable(err)
	}
	return it, nil
}

// scan calls visit with the events from first to before end, until it returns false. A hole is an
// error, one at the beginning too.
func (s *Store) scan(inc, first, end uint64, visit func(seq uint64, r *rawEvent) bool) error {
	it, err := s.over(eventKey(inc, first), eventKey(inc, end))
	if err != nil {
		return err
	}
	defer it.Close()
	want := first
	for ok := it.First(); ok; ok = it.Next() {
		key := it.Key()
		seq, ok := seqOf(key)
		if !ok {
			return fmt.Errorf("%w: key %q", ErrCorrupt, key)
		}
		if seq != want {
			return &hole{want, seq}
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return unreadable(err)
		}
		r, err := parseRecord(key, value)
		if err != nil {
			return err
		}
		want++
		if !visit(seq, &r) {
			return nil
		}
	}
	if err := it.Error(); err != nil {
		return unreadable(err)
	}
	if want < end {
		return &hole{want, end}
	}
	return nil
}

// A hole is what scan says of events that are not there: they were evicted, or it is ErrCorrupt.
type hole struct{ from, to uint64 }

func (h *hole) Error() string {
	return fmt.Sprintf("%v: events %d to %d are missing", ErrCorrupt, h.from, h.to-1)
}
func (h *hole) Unwrap() error { return ErrCorrupt }

// find returns the retained event with that ID, as it is decided. If it is not confirmed, a is what
// it was appended with. It is called with mu held.
func (s *session) find(id string) (e ring.Event, a *addition, found bool, err error) {
	if a := s.ids[id]; a != nil {
		for i := range a.events {
			if a.events[i].ID == id && a.events[i].Seq >= s.decided.first {
				return a.events[i], a, true, nil
			}
		}
	}
	in := s.decided
	in.last = s.unseenAt - 1 // what comes after that is in ids
	seq, found, err := s.locate(id, &in)
	if err != nil || !found {
		return e, nil, false, err
	}
	e, err = s.read(seq, &in)
	return e, nil, err == nil && e.ID == id, err
}

// locate returns where the newest event with that ID is, if there is one, in a state of the
// session. The caller has to look whether the event that is there has it.
func (s *session) locate(id string, in *state) (seq uint64, found bool, err error) {
	name, kind, assigned, own := parseOwn(s.tag, id)
	if !own || in.imitated {
		seq, found, err = s.store.indexed(s.inc, id)
		if err != nil {
			return 0, false, err
		}
		found = found && seq >= in.first && seq <= in.last
	}
	if numbered, ok := in.numbered(id); ok && (!found || seq < numbered) {
		if !found {
			return numbered, true, nil
		}
		if e, err := s.read(numbered, in); err != nil || e.ID == id { // the caller finds the error, too
			return numbered, true, nil
		}
	}
	if found {
		return seq, true, nil
	}
	if own && kind == '-' && assigned >= in.first && assigned <= in.last && in.runs.of(assigned).name == name {
		return assigned, true, nil
	}
	return 0, false, nil
}

// read returns one event.
func (s *session) read(seq uint64, in *state) (e ring.Event, err error) {
	err = s.store.scan(s.inc, seq, seq+1, func(seq uint64, r *rawEvent) bool {
		e = r.event(seq, s.nameOf(seq, r, in))
		return true
	})
	return e, err
}

// nameOf returns the ID that was assigned to an event, or "" if it is stored with its own.
func (s *session) nameOf(seq uint64, r *rawEvent, in *state) string {
	switch {
	case r.withID:
		return ""
	case r.numbered:
		return numberedID(in.names.of(seq), seq)
	}
	return assignedID(s.tag, in.runs.of(seq), seq)
}

// has reports whether a key is there.
func (s *Store) has(key []byte) (bool, error) {
	_, closer, err := s.db.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, unreadable(err)
	}
	return true, closer.Close()
}

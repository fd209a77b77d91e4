package pebble

import "github.com/reprise-go/reprise/ring"

// An addition is the events of one call, on their way to the disk.
type addition struct {
	write
	events []ring.Event // as they are stored
	slots  []slot
	one    struct { // memory of an addition of one event
		event [1]ring.Event
		slot  [1]slot
	}
}

// newAddition returns an addition with room for n events.
func newAddition(n int) *addition {
	a := &addition{}
	a.events, a.slots = a.one.event[:0], a.one.slot[:0]
	if n > 1 {
		a.events, a.slots = make([]ring.Event, 0, n), make([]slot, 0, n)
	}
	return a
}

// store writes the events of a.
func (e edit) store(a *addition, after tally) {
	inc, last := e.s.inc, len(a.events)-1
	for i := range a.events {
		r := record{event: &a.events[i], flags: a.slots[i].flags()}
		if i == last {
			r.flags, r.tally = r.flags|hasTally, after
		}
		size := r.size()
		op := e.batch.SetDeferred(eventKeyLen, size)
		appendEventKey(op.Key[:0], inc, r.event.Seq)
		r.append(op.Value[:0])
		if id := a.slots[i].id; id != "" {
			e.batch.Set(indexKey(inc, id), numberKey(0, r.event.Seq)[1:], nil)
		}
	}
}

// confirmed is called with the session's lock held.
func (a *addition) confirmed(s *session) {
	for i := range a.events {
		if s.ids[a.events[i].ID] == a {
			delete(s.ids, a.events[i].ID)
		}
	}
}

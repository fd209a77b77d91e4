package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// Append implements replay.Store. It is activity, and on disk when it returns, or within
// Config.SyncEvery. If ctx ends before that, whether the event is stored is not known: it can be
// repeated with the same ID of one's own, and an event that was stored is then ring.ErrDuplicateID.
func (s *Store) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	a := newAddition(1)
	a.one.event[0] = e
	stored, err := s.append(ctx, id, a, a.one.event[:])
	if err != nil {
		return retainedOf(err), err
	}
	return stored[0], nil
}

// AppendAll implements replay.Batcher. All events are one batch on the disk.
func (s *Store) AppendAll(ctx context.Context, id string, es []ring.Event) ([]ring.Event, error) {
	return s.append(ctx, id, newAddition(len(es)), es)
}

// append makes es into a. The event of one alone may be a's own.
func (s *Store) append(ctx context.Context, id string, a *addition, es []ring.Event) ([]ring.Event, error) {
	sess, err := s.get(id)
	if err != nil {
		return nil, err
	}
	if err := s.mayWrite(ctx); err != nil {
		return nil, s.sessionFirst(sess, err)
	}
	refused := checkAll(es, sess.limits)
	if err := s.enter(); err != nil {
		return nil, err
	}
	earlier, err := sess.add(a, es, refused)
	s.leave()
	if err == nil && len(es) == 0 {
		return nil, nil
	}
	if earlier != nil {
		if waited := s.commits.wait(ctx, &earlier.write); waited != nil {
			return nil, waited
		}
	}
	if err == nil {
		err = s.commits.wait(ctx, &a.write)
	}
	if err != nil {
		return nil, err
	}
	return a.events, nil
}

// mayWrite waits for the writes that are under way to become fewer, and asks whether there is room
// on the disk.
func (s *Store) mayWrite(ctx context.Context) error {
	if err := s.commits.admit(ctx); err != nil {
		return err
	}
	return s.disk.check()
}

// sessionFirst returns what is wrong with the session, which comes first, or err.
func (s *Store) sessionFirst(sess *session, err error) error {
	sess.mu.Lock()
	defer sess.mu.Unlock()
	if other := sess.usable(s.now(), true); other != nil {
		return other
	}
	return err
}

// A duplicate is ring.ErrDuplicateID, with the event that is retained.
type duplicate struct{ event ring.Event }

func (d *duplicate) Error() string {
	return fmt.Sprintf("%v: %q is sequence %d", ring.ErrDuplicateID, d.event.ID, d.event.Seq)
}
func (d *duplicate) Unwrap() error { return ring.ErrDuplicateID }

func retainedOf(err error) (e ring.Event) {
	if d := (*duplicate)(nil); errors.As(err, &d) {
		return d.event
	}
	return e
}

// check returns what is wrong with the first event that there is something wrong with by itself.
func check(es []ring.Event, limits ring.Config) error {
	for i := range es {
		if err := limits.Check(es[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkAll is check, or what is wrong with all together.
func checkAll(es []ring.Event, limits ring.Config) error {
	if err := check(es, limits); err != nil || len(es) < 2 {
		return err
	}
	total := int64(0)
	for i := range es {
		total += costOf(&es[i])
	}
	return fits(len(es), total, limits)
}

// add decides on the events and queues them as a, unless they are refused. With an error comes an
// earlier addition, if one that is not yet confirmed has an event which is in the way.
func (s *session) add(a *addition, es []ring.Event, refused error) (earlier *addition, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.store.now()
	if err := s.usable(now, true); err != nil {
		return nil, err
	}
	if err := s.lease.held(s.id, now); err != nil {
		return nil, err
	}
	if refused != nil || len(es) == 0 {
		return nil, refused
	}
	for i := range es {
		if earlier, err := s.taken(es, i); err != nil {
			return earlier, err
		}
	}
	next := s.decided
	s.resume(&next)
	if err := s.assign(a, es, &next); err != nil {
		return nil, err
	}
	next.activity = max(next.activity, now)
	if err := s.put(a, next); err != nil {
		return nil, err
	}
	s.fence()
	s.resumed = true
	return nil, nil
}

// resume begins a run at the first append of this process.
func (s *session) resume(next *state) {
	if !s.resumed {
		next.runs = next.runs.with(run{randomText(runLen), next.last + 1}, next.first)
	}
}

// taken returns an error if the ID of es[i] is that of a retained event or of one before it in es.
func (s *session) taken(es []ring.Event, i int) (*addition, error) {
	id := es[i].ID
	if id == "" {
		return nil, nil
	}
	for n := range i {
		if es[n].ID == id {
			return nil, fmt.Errorf("%w: %.64q comes twice", ring.ErrDuplicateID, id)
		}
	}
	e, a, found, err := s.find(id)
	if err == nil && found {
		err = &duplicate{e}
	}
	return a, err
}

// assign makes the events what they will be when stored.
func (s *session) assign(a *addition, es []ring.Event, next *state) error {
	for i := range es {
		next.imitated = next.imitated || isOwn(s.tag, es[i].ID)
	}
	total := int64(0)
	for i := range es {
		e, id := es[i], es[i].ID
		e.Seq = next.last + 1
		if e.ID == "" {
			var err error
			if e.ID, id, err = s.freeID(es, next, e.Seq); err != nil {
				return err
			}
		}
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		e.Time = time.Unix(0, e.Time.UnixNano())
		e.Data = bytes.Clone(e.Data)
		next.last++
		a.events, a.slots = append(a.events, e), append(a.slots, slot{cost: costOf(&e), id: id})
		total += a.slots[i].cost
	}
	next.bytes += total
	if len(es) == 1 { // it was checked, and an ID that is assigned counts only for what is evicted
		return nil
	}
	return fits(len(es), total, s.limits)
}

// fits returns an error for more than the session may retain.
func fits(events int, bytes int64, limits ring.Config) error {
	if events <= limits.MaxEvents && bytes <= int64(limits.MaxBytes) {
		return nil
	}
	return fmt.Errorf("%w: %d events of %d bytes, Ring.MaxEvents is %d and Ring.MaxBytes %d",
		ring.ErrEventTooLarge, events, bytes, limits.MaxEvents, limits.MaxBytes)
}

// freeID returns the ID that the session gives to seq, which no retained event has and none in es.
// Where a producer has taken that which would come, zeros are put in front of the number: such an
// ID must be stored.
func (s *session) freeID(es []ring.Event, next *state, seq uint64) (id, stored string, err error) {
	id = assignedID(s.tag, next.runs[len(next.runs)-1], seq)
	for next.imitated {
		_, _, found, err := s.find(id)
		for i := range es {
			found = found || es[i].ID == id
		}
		if err != nil || !found {
			return id, stored, err
		}
		at := tagLen + runLen + 1
		id = id[:at] + "0" + id[at:]
		stored = id
	}
	return id, "", nil
}

// put evicts what must go and queues the events together with the state that follows on them.
func (s *session) put(a *addition, next state) error {
	e := s.edit()
	gone, err := e.evict(a, &next)
	if err != nil {
		e.batch.Close()
		return err
	}
	e.store(a, next.tally())
	before := s.decided
	s.decided = next
	a.confirm = a.confirmed
	if next.isTold(&before) {
		err = e.submit(&a.write)
	} else {
		err = e.submitState(&a.write)
	}
	if err != nil {
		s.decided = before
		return err
	}
	s.remember(a.slots)
	s.evicted(gone)
	for i := range a.events {
		s.ids[a.events[i].ID] = a
	}
	return nil
}

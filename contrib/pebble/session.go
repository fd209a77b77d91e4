package pebble

import (
	"math"
	"sync"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A session is one incarnation. There are two states of it: decided, with everything that has been
// queued for the disk, by which calls decide what they do; and seen, with what is confirmed, which
// is all that readers and Info tell of. Both are the same when nothing is under way. The end of a
// session by time needs no confirmation: the clock says the same after a crash.
type session struct {
	store *Store
	id    string
	description

	mu        sync.Mutex // guards all that follows, and is held where a write of this session is queued
	decided   state
	seen      state
	version   uint64               // of metadata; how often it was changed
	resumed   bool                 // the run of this process has begun
	readAhead []slot               // events that eviction has read
	readAt    uint64               // the sequence of the first of them
	costs     []uint32             // of the retained events appended since the directory was opened, see slot
	costsAt   uint64               // the sequence of the first of them, or of the next event
	kept      uint64               // the oldest event on the disk, which may be an evicted one; 0: not known
	keptBytes int64                // of evicted ones that are on the disk, as far as known
	unseen    []slot               // the newest events, those that are not confirmed
	unseenAt  uint64               // the sequence of the first of them, or of the next event
	ids       map[string]*addition // IDs of events that are not confirmed
	claims    map[string]*write    // claims that are not confirmed
	readers   int                  // open ones
	onDisk    bool                 // the last state that was queued says that readers are open
	garbage   bool                 // events are to be removed when the last reader has gone
	forgotten bool                 // removed from the disk, and from the table once that is queued
	armed     int64                // the time in its expiry key
	news      chan struct{}        // closed when seen changes; nil: nobody waits
	lease     lease
}

// A slot is what eviction must know of an event.
type slot struct {
	cost     int64  // its size with overhead
	id       string // "" if it was assigned, here or in front
	numbered bool   // it was assigned in front
}

// edit collects what one call writes.
type edit struct {
	s     *session
	batch *engine.Batch
}

func (s *session) edit() edit { return edit{s, s.store.db.NewBatch()} }

// queue queues an edit of the session, with its state as it is decided now, and returns the write.
// It is called with mu held.
func (e edit) queue() (*write, error) {
	w := &write{}
	if err := e.submitState(w); err != nil {
		return nil, err
	}
	return w, nil
}

// send is queue for an edit that leaves no state.
func (e edit) send() (*write, error) {
	w := &write{}
	if err := e.submit(w); err != nil {
		return nil, err
	}
	return w, nil
}

// submitState queues w as a write of the edit and of the state.
func (e edit) submitState(w *write) error {
	s := e.s
	s.decided.attached = s.readers > 0
	if err := e.batch.Set(stateKey(s.inc), s.decided.encode(), nil); err != nil {
		return err
	}
	return e.submit(w)
}

// submit queues w as a write of the edit, which leaves no state, or changes nothing of it but what
// a tally has.
func (e edit) submit(w *write) error {
	s := e.s
	w.batch, w.session, w.after = e.batch, s, s.decided
	if err := s.store.commits.enqueue(w); err != nil {
		return err
	}
	s.onDisk = w.after.attached
	if s.forgotten { // only now may the ID be given again: what removes the session is queued
		s.store.sessions.CompareAndDelete(s.id, s)
	}
	return nil
}

// confirmed makes what a write has made of the session visible.
func (s *session) confirmed(w *write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show(w.after)
	if w.confirm != nil {
		w.confirm(s)
	}
}

// show makes a state visible.
func (s *session) show(after state) {
	if s.seen.isEnded() {
		return // by time: nothing comes after that
	}
	if after.last >= s.unseenAt {
		s.unseen = s.unseen[after.last+1-s.unseenAt:]
		s.unseenAt = after.last + 1
	}
	s.seen = after
	s.wake()
}

func (s *session) wake() {
	if s.news != nil {
		close(s.news)
		s.news = nil
	}
}

// noTime is when what never happens is due. Other times are in nanoseconds since 1970.
const noTime = math.MaxInt64

// expires returns when an active session expires if nothing happens.
func (s *session) expires() int64 {
	if s.ttl >= never {
		return noTime
	}
	return s.decided.activity + int64(s.ttl)
}

// leaves returns when a session that is no longer active goes. One that has finished and is then
// terminated gains no time by it.
func (s *session) leaves() int64 { return s.decided.left + int64(max(0, s.store.cfg.Linger)) }

// isGone reports whether the session has ended and no longer lingers.
func (s *session) isGone(now int64) bool {
	return s.decided.isEnded() && (s.store.cfg.Linger < 0 || now >= s.leaves())
}

// settle ends the session if its time is over. It is called with mu held, before anything is told
// of a session.
func (s *session) settle(now int64) {
	switch s.decided.status {
	case shard.Active:
		if at := s.expires(); s.readers == 0 && now >= at {
			s.end(shard.Expired, at)
		}
	case shard.Finished:
		if s.store.cfg.Linger < 0 && s.readers == 0 || s.store.cfg.Linger >= 0 && now >= s.leaves() {
			s.end(shard.Expired, s.decided.left)
		}
	}
}

// usable settles the session and returns an error if it has ended or, where it is to be active,
// finished.
func (s *session) usable(now int64, active bool) error {
	s.settle(now)
	if s.decided.isEnded() {
		return about(shard.ErrNotFound, s.id)
	}
	if active && s.decided.status == shard.Finished {
		return about(shard.ErrFinished, s.id)
	}
	return nil
}

// touch records activity, which never moves backwards.
func (s *session) touch(now int64) { s.decided.activity = max(s.decided.activity, now) }

// end ends the session by time. If nothing can be written any more it has ended in this process all
// the same.
func (s *session) end(status shard.Status, at int64) {
	e := s.edit()
	e.end(status, at)
	e.finish()
	s.seen = s.decided
	s.wake()
}

// end makes the session an ended one, and removes its events if nobody reads them.
func (e edit) end(status shard.Status, at int64) {
	s := e.s
	s.decided.status = status
	if s.decided.left == 0 {
		s.decided.left = at
	}
	s.store.places.free(s.principal)
	switch {
	case s.readers == 0:
		e.removeEvents()
	default:
		s.garbage = true
		e.batch.Set(garbageKey(s.inc), nil, nil)
	}
	e.arm(s.leaves())
}

// finish queues an edit that has ended the session: without Linger, nothing of it is left.
func (e edit) finish() (*write, error) {
	if e.s.store.cfg.Linger >= 0 {
		return e.queue()
	}
	e.forget()
	return e.send()
}

// forget removes what is left of an ended session, but for events that somebody reads. Its ID is
// free once the edit is queued.
func (e edit) forget() {
	s := e.s
	s.forgotten = true
	e.batch.Delete(sessionKey(s.id), nil)
	e.batch.Delete(stateKey(s.inc), nil)
	if s.armed != noTime {
		e.batch.Delete(expiryKey(s.armed, s.inc), nil)
	}
}

// removeEvents removes all that is stored under the incarnation.
func (e edit) removeEvents() {
	if e.s.decided.last == 0 && e.s.decided.claims == 0 {
		return
	}
	for _, prefix := range []byte{prefixEvent, prefixIndex, prefixClaim} {
		e.batch.DeleteRange(numberKey(prefix, e.s.inc), numberKey(prefix, e.s.inc+1), nil)
	}
}

// arm moves the session's expiry key.
func (e edit) arm(at int64) {
	s := e.s
	if at == s.armed {
		return
	}
	if s.armed != noTime {
		e.batch.Delete(expiryKey(s.armed, s.inc), nil)
	}
	if s.armed = at; at != noTime {
		e.batch.Set(expiryKey(at, s.inc), []byte(s.id), nil)
		s.store.sweeper.expect(at)
	}
}

// get returns the session with that ID, which may have ended.
func (s *Store) get(id string) (*session, error) {
	if v, ok := s.sessions.Load(id); ok {
		return v.(*session), nil
	}
	if s.closed.Load() {
		return nil, shard.ErrClosed
	}
	return nil, about(shard.ErrNotFound, id)
}

// now is the wall clock's reading when the Store was opened, and what has passed since: in
// nanoseconds since 1970.
func (s *Store) now() int64 { return s.opened.UnixNano() + int64(time.Since(s.opened)) }

// costOf is what an event counts against MaxBytes.
func costOf(e *ring.Event) int64 { return int64(e.Size()) + ring.Overhead }

// flags are those of the event's record.
func (s *slot) flags() byte {
	switch {
	case s.id != "":
		return hasID
	case s.numbered:
		return isNumbered
	}
	return 0
}

package shard

import "github.com/reprise-go/reprise/ring"

// Append stores a copy of e and returns the stored event, with Seq and what e left empty filled in.
// It is activity. The errors are, in this precedence: [ErrNotFound], [ErrFinished],
// ring.ErrInvalidEvent, ring.ErrEventTooLarge, ring.ErrDuplicateID (with the event that is retained
// under that ID), [ErrOverBudget].
//
// It costs little more than the ring's Append: to record the activity takes one load, and once a
// millisecond a compare-and-swap, of a state that only this session's users share; where Config.TTL
// says so, a reading of the clock and a compare-and-swap each time.
func (s *Session) Append(e ring.Event) (stored ring.Event, err error) {
	s.log.Fetch()
	if err = s.noteActivity(); err != nil {
		return ring.Event{}, s.appendFailed(err)
	}
	if watch := s.home.watch.Load(); watch != nil && watch.picksAppend() {
		err = watch.append(&s.log, &stored, &e)
	} else {
		err = s.log.AppendTo(&stored, &e)
	}
	if err != nil {
		return stored, s.appendFailed(err)
	}
	return stored, nil
}

// AppendAll stores copies of all events under consecutive sequence numbers, visible at once, or
// none of them, and returns them as stored, in the memory of dst where that has room; dst may be
// es. It is activity, also without events. The errors are those of Append, by the first event that
// causes one, and no event is returned with them; an ID that comes twice in es is
// ring.ErrDuplicateID, and more than the session may retain is ring.ErrEventTooLarge.
func (s *Session) AppendAll(dst, es []ring.Event) ([]ring.Event, error) {
	if err := s.noteActivity(); err != nil {
		return nil, s.appendFailed(err)
	}
	stored, err := s.log.AppendAll(dst, es)
	if err != nil {
		return nil, s.appendFailed(err)
	}
	return stored, nil
}

// noteActivity is what every append begins with: it says that the session is in use, by the coarse
// clock where that will do, or returns why it takes no events.
func (s *Session) noteActivity() error {
	st := state(s.state.Load())
	now := s.home.clock.Now()
	if st.phase() != active || now-st.activity() >= coarseUntil(s.idleLimit, s.home.exactBelow) ||
		now > st.activity() && !s.state.CompareAndSwap(uint64(st), uint64(st.at(now))) {
		if st = s.touch(); st.phase() != active {
			return s.refusal(st)
		}
	}
	return nil
}

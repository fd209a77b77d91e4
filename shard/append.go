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
	log := s.log.Load()
	st := state(s.state.Load())
	now := s.home.clock.Now()
	if st.phase() != active || now-st.activity() >= coarseUntil(s.idleLimit, s.home.exactBelow) ||
		now > st.activity() && !s.state.CompareAndSwap(uint64(st), uint64(st.at(now))) {
		if st = s.touch(); st.phase() != active {
			return ring.Event{}, s.appendFailed(s.refusal(st))
		}
	}
	if log == nil {
		return ring.Event{}, s.appendFailed(s.refusal(state(s.state.Load())))
	}
	if watch := s.home.watch.Load(); watch != nil && watch.picksAppend() {
		stored, err = watch.append(log, e)
	} else {
		stored, err = log.Append(e)
	}
	if err != nil {
		return stored, s.appendFailed(err)
	}
	return stored, nil
}

package shard

import "math"

// exactTTL is the TTL, in nanoseconds, below which the coarse clock is never good enough; see word.
const exactTTL = 20e9

// spans returns life and fresh of a session with the given TTL, and grace for activity that was stamped too early.
func spans(ttl, grace int64) (life, fresh int64) {
	if ttl >= never {
		return math.MaxInt64, math.MaxInt64
	}
	if ttl < exactTTL {
		return ttl + grace, -never // even a reading from before the last activity decides nothing
	}
	return ttl + grace, ttl / 2
}

// state returns the session's word now: its end has been seen to if its time has come.
func (s *Session) state() word {
	w := word(s.word.Load())
	if w.phase() == active && s.home.clock.Now()-w.activity() < s.fresh {
		return w
	}
	return s.settle(s.home.clock.Exact())
}

// settle is state at an exact reading taken before the call.
func (s *Session) settle(now int64) word {
	for {
		w := word(s.word.Load())
		switch w.phase() {
		case active:
			if now-w.activity() < s.life || s.attached.Load() != 0 {
				return w
			}
			s.end(w, expired)
		case finished:
			if !s.readOut(now) {
				return w
			}
			s.end(w, drained)
		default:
			return w
		}
	}
}

// readOut reports whether a finished session has been readable for long enough: for Linger or, without that, until no stream is
// attached.
func (s *Session) readOut(now int64) bool {
	if s.home.m.linger < 0 {
		return s.attached.Load() == 0
	}
	return now >= s.leaves()
}

// expires returns when the session may expire if nothing happens after the given reading, never if it does not.
func (s *Session) expires(idleSince int64) int64 {
	if s.life == math.MaxInt64 {
		return never
	}
	return idleSince + s.life
}

// gone reports whether the session, which has ended, no longer lingers.
func (s *Session) gone(now int64) bool { return s.home.m.linger < 0 || now >= s.leaves() }

// leaves returns when a session that is no longer active goes: Linger after it left that phase. A finished session that is
// terminated gains no time by it.
func (s *Session) leaves() int64 {
	left := s.left.Load()
	if left == 0 {
		s.left.CompareAndSwap(0, s.home.clock.Exact())
		left = s.left.Load()
	}
	return left + s.home.m.linger
}

// touch records activity, unless the session has ended, and returns the word.
func (s *Session) touch() word {
	now := s.home.clock.Exact()
	for {
		w := s.settle(now)
		if w.ended() || w.activity() >= now {
			return w
		}
		if s.word.CompareAndSwap(uint64(w), uint64(w.at(now))) {
			return w.at(now)
		}
	}
}

// Touch records activity: the session's TTL begins anew. On an ended session it returns [ErrNotFound]. It costs about 100 ns.
func (s *Session) Touch() error {
	if w := s.touch(); w.ended() {
		return s.refuse(w)
	}
	return nil
}

// refuse returns the error for a session that is finished or has ended. Whoever reports either closes the log first: so the report is
// true even when the goroutine that ended the session has been held up before it got that far.
func (s *Session) refuse(w word) error {
	s.closeLog()
	if w.ended() {
		return about(ErrNotFound, s.id)
	}
	return about(ErrFinished, s.id)
}

func (s *Session) closeLog() {
	if log := s.log.Load(); log != nil {
		log.Close()
	}
}

package shard

import "math"

// exactLife is the life, in nanoseconds, up to which the coarse clock is never good enough; see word. That of a session with a TTL below 20 s is shorter, unless
// Tick is above a second.
const exactLife = 21e9

// lifeOf returns the life of a session with the given TTL: that, and grace for activity that was stamped too early.
func lifeOf(ttl, grace int64) int64 {
	if ttl >= never {
		return math.MaxInt64
	}
	return ttl + grace
}

// fresh returns, in nanoseconds: while less has passed since the last activity, the coarse clock tells that a session with that life is alive.
func fresh(life int64) int64 {
	if life <= exactLife {
		return -never // even a reading from before the last activity decides nothing
	}
	return life / 2
}

// state returns the session's word now: its end has been seen to if its time has come.
func (s *Session) state() word {
	w := word(s.word.Load())
	if w.phase() == active && s.home.clock.Now()-w.activity() < fresh(s.life) {
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
		return about(ErrNotFound, s.ID())
	}
	return about(ErrFinished, s.ID())
}

func (s *Session) closeLog() {
	if log := s.log.Load(); log != nil {
		log.Close()
	}
}

package shard

import "math"

// exactLimit is the limit, in nanoseconds, up to which the coarse clock is never good enough; see state. That of a session with a TTL below 20 s is shorter, unless
// Tick is above a second.
const exactLimit = 21e9

// lifeOf returns the limit of a session with the given TTL: that, and grace for activity that was stamped too early.
func idleLimitOf(ttl, grace int64) int64 {
	if ttl >= never {
		return math.MaxInt64
	}
	return ttl + grace
}

// fresh returns, in nanoseconds: while less has passed since the last activity, the coarse clock tells that a session with that limit is alive.
func coarseUntil(limit int64) int64 {
	if limit <= exactLimit {
		return -never // even a reading from before the last activity decides nothing
	}
	return limit / 2
}

// state returns the session's state now: its end has been seen to if its time has come.
func (s *Session) stateNow() state {
	st := state(s.state.Load())
	if st.phase() == active && s.home.clock.Now()-st.activity() < coarseUntil(s.idleLimit) {
		return st
	}
	return s.stateAt(s.home.clock.Exact())
}

// settle is state at an exact reading taken before the call.
func (s *Session) stateAt(now int64) state {
	for {
		st := state(s.state.Load())
		switch st.phase() {
		case active:
			if now-st.activity() < s.idleLimit || s.attached.Load() != 0 {
				return st
			}
			s.end(st, expired)
		case finished:
			if !s.readingOver(now) {
				return st
			}
			s.end(st, drained)
		default:
			return st
		}
	}
}

// expires returns when the session may expire if nothing happens after the given reading, never if it does not.
func (s *Session) expiresAt(idleSince int64) int64 {
	if s.idleLimit == math.MaxInt64 {
		return never
	}
	return idleSince + s.idleLimit
}

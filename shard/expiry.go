package shard

import (
	"math"
	"time"
)

// The coarse clock is good enough to record activity and to find a session alive, which saves a
// reading of the clock on every append, where its error does not matter: for a TTL of at least
// coarseTTL, if Tick is at least coarseTick. Every other session goes by exact readings alone.
const (
	coarseTTL  = 20 * time.Second
	coarseTick = 50 * time.Millisecond
)

// exactBelow returns the idle limit below which a session goes by exact readings alone.
func exactBelow(tick time.Duration, grace int64) int64 {
	if tick < coarseTick {
		return math.MaxInt64 // which leaves those that never expire
	}
	return int64(coarseTTL) + grace
}

// idleLimitOf returns after how long without activity a session with the given TTL ends: grace is
// for activity that was stamped too early.
func idleLimitOf(ttl, grace int64) int64 {
	if ttl >= never {
		return math.MaxInt64
	}
	return ttl + grace
}

// coarseUntil returns, in nanoseconds: while less has passed since the last activity, the coarse
// clock can tell that a session with that idle limit is alive.
func coarseUntil(limit, exactBelow int64) int64 {
	if limit < exactBelow {
		return -never // even a reading from before the last activity decides nothing
	}
	return limit / 2
}

// stateNow returns the session's state. If the session's time has come, it has ended.
func (s *Session) stateNow() state {
	st := state(s.state.Load())
	if st.phase() == active && s.home.clock.Now()-st.activity() < coarseUntil(s.idleLimit, s.home.exactBelow) {
		return st
	}
	return s.stateAt(s.home.clock.Exact())
}

// stateAt is stateNow for an exact reading that was taken before the call.
func (s *Session) stateAt(now int64) state {
	for {
		st := state(s.state.Load())
		switch st.phase() {
		case active:
			if !s.isOverdue(st, now) {
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

// isOverdue reports whether an active session has been without activity and without a reader for so
// long that it is to end.
func (s *Session) isOverdue(st state, now int64) bool {
	return now-st.activity() >= s.idleLimit && s.attached.Load() == 0
}

// expiresAt returns when the session may expire if nothing happens after the given reading; never,
// if it cannot expire.
func (s *Session) expiresAt(idleSince int64) int64 {
	if s.idleLimit == math.MaxInt64 {
		return never
	}
	return idleSince + s.idleLimit
}

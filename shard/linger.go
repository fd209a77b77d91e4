package shard

// readingOver reports whether a finished session has been readable for long enough: for Linger or,
// without that, until no reader is attached.
func (s *Session) readingOver(now int64) bool {
	if s.home.m.linger < 0 {
		return s.attached.Load() == 0
	}
	return now >= s.leavesAt()
}

// lingerOver reports whether the session, which has ended, no longer lingers.
func (s *Session) lingerOver(now int64) bool { return s.home.m.linger < 0 || now >= s.leavesAt() }

// leavesAt returns when a session that is no longer active goes: Linger after it left that phase. A
// finished session that is terminated gains no time by it.
func (s *Session) leavesAt() int64 { return s.leftActiveAt() + s.home.m.linger }

// leftActiveAt returns when the session left phase active. Whoever asks first sets it.
func (s *Session) leftActiveAt() int64 {
	left := s.left.Load()
	if left == 0 {
		s.left.CompareAndSwap(0, s.home.clock.Exact())
		left = s.left.Load()
	}
	return left
}

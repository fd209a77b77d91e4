package shard

// touch records activity, unless the session has ended, and returns the state.
func (s *Session) touch() state {
	now := s.home.clock.Exact()
	for {
		st := s.stateAt(now)
		if st.isEnded() || st.activity() >= now {
			return st
		}
		if s.state.CompareAndSwap(uint64(st), uint64(st.at(now))) {
			return st.at(now)
		}
	}
}

// Touch records activity: the session's TTL begins anew. On an ended session it returns
// [ErrNotFound]. It costs about 100 ns.
func (s *Session) Touch() error {
	if st := s.touch(); st.isEnded() {
		return s.refusal(st)
	}
	return nil
}

// touchActive records activity if the session is active and its time has not come. It ends nothing.
func (s *Session) touchActive() bool {
	now := s.home.clock.Exact()
	for {
		st := state(s.state.Load())
		if st.phase() != active || s.isOverdue(st, now) {
			return false
		}
		if st.activity() >= now || s.state.CompareAndSwap(uint64(st), uint64(st.at(now))) {
			return true
		}
	}
}

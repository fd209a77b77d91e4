package shard

// Finish ends the writing: Append returns [ErrFinished] from now on, while Get, Seek and Attach
// still work, and readers get what is left and then ErrFinished. The session ends Config.Linger
// later, whatever its TTL, or when it is terminated before that; with a negative Linger, as soon as
// no reader is attached. Until then it is active as far as limits and Stats are concerned, for it
// holds its events. Finishing a finished session does nothing; an ended one is [ErrNotFound].
func (s *Session) Finish() error {
	for {
		st := s.stateAt(s.home.clock.Exact())
		if st.isEnded() {
			return s.refusal(st)
		}
		if st.phase() == finished {
			s.closeLog()
			return nil
		}
		if s.state.CompareAndSwap(uint64(st), uint64(st.in(finished))) {
			s.closeLog()
			s.dropClaims()
			s.schedule(s.leavesAt())
			s.stateAt(s.home.clock.Exact()) // without linger and without a reader, it ends here
			return nil
		}
	}
}

// Terminate ends the session, unless it has ended already: when it returns, no call on it succeeds
// any more, its place is free and its events no longer count. Readers that are attached get what is
// left and then [ErrNotFound].
func (s *Session) Terminate() {
	for {
		st := s.stateAt(s.home.clock.Exact())
		if st.isEnded() {
			<-s.Done() // whoever has ended it is about to be through
			return
		}
		if s.end(st, terminated) {
			s.schedule(s.leavesAt())
			return
		}
	}
}

// end moves the session from st to an ended phase, if st is still its state, and does all that
// follows from it, exactly once.
func (s *Session) end(st state, to phase) bool {
	if !s.state.CompareAndSwap(uint64(st), uint64(st.in(to))) {
		return false
	}
	m := s.home.m
	if m.linger >= 0 {
		s.leavesAt() // from now on
	}
	final := s.log.Release()
	if s.attached.Load() == 0 {
		s.log.Discard()
	}
	s.dropClaims()
	md := s.finalMetadata()
	m.limits.release(md.principal())
	switch to {
	case terminated:
		s.home.terminated.Add(1)
	case expired:
		s.home.expired.Add(1)
	case drained:
		s.home.drained.Add(1)
	}
	if m.cfg.OnEnd != nil {
		m.endCalls.add(&endCall{s: s, state: st.in(to), log: final})
	}
	if c := s.done.Swap(&m.closedChan); c != nil {
		close(*c)
	}
	if m.linger < 0 {
		s.home.remove(s)
	}
	return true
}

// isEndComplete reports whether end has returned, or is about to.
func (s *Session) isEndComplete() bool { return s.done.Load() == &s.home.m.closedChan }

// Terminate ends a session as [Session.Terminate] does. That there is none is no error; after
// Close, it is [ErrClosed].
func (m *Manager) Terminate(id string) error {
	if m.closed.Load() {
		return ErrClosed
	}
	k := m.key(id)
	if s, ok := m.shard(k).sessions.Load(k); ok {
		s.Terminate()
	}
	return nil
}

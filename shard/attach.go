package shard

// Attach counts the caller in as a reader: until detach is called, the session does not expire. It
// is activity, and so is the last detach. It fails with [ErrNotFound], or with [ErrAttachLimit]
// when Config.MaxAttached readers are attached, which holds exactly under concurrency. A finished
// session can be attached to. detach may be called more than once, at any time. A session that ends
// meanwhile keeps its events until the last detach, so that readers can read to the end.
func (s *Session) Attach() (detach func(), err error) {
	f, err := s.AttachReader()
	if err != nil {
		return nil, err
	}
	return f.Detach, nil
}

// attach counts a reader, if there may be one more.
func (s *Session) attach() error {
	if st := s.stateNow(); st.isEnded() {
		return s.refusal(st)
	}
	limit := s.home.m.cfg.MaxAttached
	for {
		n := s.attached.Load()
		if limit > 0 && int(n) >= limit {
			return s.home.refuse(attachLimit, about(ErrAttachLimit, s.ID()))
		}
		if s.attached.CompareAndSwap(n, n+1) {
			break
		}
	}
	if st := s.touch(); st.isEnded() {
		s.detach()
		return s.refusal(st)
	}
	s.home.attached.Add(1)
	return nil
}

// detach takes one reader off. The last one stamps before it counts itself off: see state.
func (s *Session) detach() {
	for {
		n := s.attached.Load()
		if n == 1 {
			s.touch()
		}
		if !s.attached.CompareAndSwap(n, n-1) {
			continue
		}
		if n == 1 {
			s.lastDetached()
		}
		return
	}
}

// lastDetached does what waited for the last reader. Whoever ends the session looks at the count
// after the state, and this looks at the state after the count, so one of them lets go of the log.
func (s *Session) lastDetached() {
	st := state(s.state.Load())
	if st.phase() == finished && s.home.m.linger < 0 {
		st = s.stateAt(s.home.clock.Exact())
		s.schedule(0)
	}
	if st.isEnded() {
		s.log.Discard()
	}
}

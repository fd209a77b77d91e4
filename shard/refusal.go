package shard

// Err returns why the session takes no more events: [ErrFinished] after Finish, [ErrNotFound] once
// it has ended, and nil before. When it is not nil, no event is stored any more.
func (s *Session) Err() error {
	st := s.stateNow()
	if st.phase() == active {
		return nil
	}
	return s.refusal(st)
}

// refusal returns the error for a session that is finished or has ended. It closes the log first:
// the goroutine that finished or ended the session may not have come to that yet, and once a caller
// has this error no event may be stored any more.
func (s *Session) refusal(st state) error {
	s.closeLog()
	if st.isEnded() {
		return about(ErrNotFound, s.ID())
	}
	return about(ErrFinished, s.ID())
}

func (s *Session) closeLog() {
	if log := s.readable(); log != nil {
		log.Close()
	}
}

// logClosed returns the error for a log that was found closed. A log closes by itself when it has
// used up its sequence numbers: that finishes the session.
func (s *Session) logClosed() error {
	st := state(s.state.Load())
	if st.phase() == active {
		if err := s.Finish(); err != nil {
			return err
		}
		st = state(s.state.Load())
	}
	return s.refusal(st)
}

package shard

import (
	"crypto/subtle"
	"iter"
)

// find returns the session, which may have ended and may no longer linger.
func (m *Manager) find(id string) (*Session, error) {
	if m.closed.Load() {
		return nil, ErrClosed
	}
	k := m.key(id)
	sh := m.shard(k)
	if s, ok := sh.sessions.Load(k); ok {
		return s, nil
	}
	return nil, sh.refuse(notFound, about(ErrNotFound, id))
}

// Get returns an active session: one that has not ended. It is not activity. The errors are
// [ErrNotFound] and [ErrClosed]. It costs a look-up in a hash table; when there is no such
// session, one allocation too, for the error, whose text is made when somebody asks for it.
func (m *Manager) Get(id string) (*Session, error) {
	s, err := m.find(id)
	if err != nil {
		return nil, err
	}
	if st := s.stateNow(); st.isEnded() {
		return nil, s.home.refuse(notFound, s.refusal(st))
	}
	return s, nil
}

// Authorize is Get for a request that comes in the name of principal, "" for nobody's, followed by
// Touch. A session that belongs to somebody else, or to nobody when principal is somebody, is
// [ErrPrincipal].
func (m *Manager) Authorize(id, principal string) (*Session, error) {
	s, err := m.Get(id)
	if err != nil {
		return nil, err
	}
	owner := s.metadata.Load().principal()
	if subtle.ConstantTimeCompare([]byte(owner), []byte(principal)) == 0 {
		return nil, s.home.refuse(wrongPrincipal, about(ErrPrincipal, id))
	}
	if err := s.Touch(); err != nil {
		return nil, s.home.refuse(notFound, err)
	}
	return s, nil
}

// Info describes an active or lingering session. It is not activity. The errors are [ErrNotFound]
// and [ErrClosed].
func (m *Manager) Info(id string) (Info, error) {
	s, err := m.find(id)
	if err != nil {
		return Info{}, err
	}
	s.stateNow()
	info := s.info()
	// It may have ended, and gone, since.
	if st := state(s.state.Load()); st.isEnded() && s.lingerOver(m.clock.Exact()) {
		return Info{}, s.home.refuse(notFound, s.refusal(st))
	}
	return info, nil
}

// Sessions yields the active sessions, finished ones included, in no order. It takes no snapshot:
// each session that is active throughout is yielded once, and one that comes or goes meanwhile at
// most once. No lock is held while the loop's body runs.
func (m *Manager) Sessions() iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		more := true
		for i := range m.shards {
			m.shards[i].sessions.Range(func(_ key, s *Session) bool {
				more = s.stateNow().isEnded() || yield(s)
				return more
			})
			if !more {
				return
			}
		}
	}
}

package shard

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/reprise-go/reprise/ring"
)

// maxIDBytes bounds a session ID.
const maxIDBytes = 128

// Create returns a new session with a random ID, a version 4 UUID. The errors are
// [ErrSessionLimit], [ErrMetadataTooLarge], [ErrInvalidMetadata] and [ErrClosed].
func (m *Manager) Create(md Metadata) (*Session, error) {
	return m.CreateWith(Options{Metadata: md})
}

// CreateWithID is Create with an ID from outside. It can also fail with [ErrInvalidID] and
// [ErrExists].
func (m *Manager) CreateWithID(id string, md Metadata) (*Session, error) {
	if id == "" {
		return nil, m.notCreated(validateID(id))
	}
	return m.CreateWith(Options{ID: id, Metadata: md})
}

// CreateWith is the general form of Create and CreateWithID. It can also fail for a limit in
// o.Ring, with an error that names the field.
func (m *Manager) CreateWith(o Options) (*Session, error) {
	if m.closed.Load() {
		return nil, ErrClosed
	}
	minted := o.ID == ""
	if !minted {
		if err := validateID(o.ID); err != nil {
			return nil, m.notCreated(err)
		}
		o.ID = strings.Clone(o.ID)
	}
	md, err := newMetadata(o.Metadata)
	if err != nil {
		return nil, m.notCreated(err)
	}
	group, err := m.groupFor(o.Ring)
	if err != nil {
		return nil, err
	}
	if o.TTL == 0 {
		o.TTL = m.cfg.TTL
	}
	for {
		if minted {
			o.ID = m.minter.UUID()
		}
		home := m.shard(m.key(o.ID))
		s, err := m.insert(home, o.ID, md, func() *Session {
			s := newSession(home, o, md, group)
			group.Init(&s.log)
			return s
		})
		if !minted || !errors.Is(err, ErrExists) {
			return s, m.notCreated(err)
		}
	}
}

// insert puts a new session into the map, if its ID is free. It takes the session's place when it
// is certain that the ID is, under the lock of the map's bucket.
func (m *Manager) insert(home *shard, id string, md *metadata, make func() *Session) (*Session, error) {
	k := m.key(id)
	for {
		if old, ok := home.sessions.Load(k); ok && !old.vacate() {
			return nil, about(ErrExists, id)
		}
		var refused error
		s, taken := home.sessions.LoadOrTryCompute(k, func() (*Session, bool) {
			if refused = m.admit(md); refused != nil {
				return nil, true
			}
			home.total.Add(1)
			return make(), false
		})
		if refused != nil {
			return nil, refused
		}
		if !taken {
			home.created.Add(1)
			home.extras.Add(md.bytes())
			s.schedule(s.expiresAt(s.created))
			return s, nil
		}
	}
}

// admit takes a place. It looks at closed afterwards, and Close looks at the places after setting
// closed: either no session is created, or Close finds it.
func (m *Manager) admit(md *metadata) error {
	if err := m.limits.admit(md.principal()); err != nil {
		return err
	}
	if m.closed.Load() {
		m.limits.release(md.principal())
		return ErrClosed
	}
	return nil
}

// newSession returns a session whose log is still to be initialized.
func newSession(home *shard, o Options, md *metadata, group *ring.Group) *Session {
	s := &Session{home: home, idData: unsafe.StringData(o.ID), created: home.clock.Exact()}
	s.misc.Store(uint32(len(o.ID)))
	s.idleLimit = idleLimitOf(int64(clampTTL(o.TTL)), home.m.grace)
	s.state.Store(uint64(newState(active, s.created)))
	s.metadata.Store(md)
	if group != home.m.group {
		s.optional.Store(&optional{group: group})
	}
	s.timer.Owner = s
	return s
}

// vacate frees the ID of a session that no longer lingers, and reports whether it has.
func (s *Session) vacate() bool {
	now := s.home.clock.Exact()
	if st := s.stateAt(now); !st.isEnded() || !s.lingerOver(now) {
		return false
	}
	<-s.Done() // Close must find the session in the map until end is through
	s.home.remove(s)
	return true
}

// validateID refuses what an HTTP header could not carry as a session ID.
func validateID(id string) error {
	if len(id) == 0 || len(id) > maxIDBytes {
		return fmt.Errorf("%w: %d bytes, want 1 to %d", ErrInvalidID, len(id), maxIDBytes)
	}
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return fmt.Errorf("%w: byte 0x%02x at %d of %q, want 0x21 to 0x7E", ErrInvalidID, id[i], i, cut(id))
		}
	}
	return nil
}

package shard

import (
	"crypto/subtle"
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/reprise-go/reprise/internal/clock"
	"github.com/reprise-go/reprise/internal/mint"
	"github.com/reprise-go/reprise/internal/tally"
	"github.com/reprise-go/reprise/ring"
)

// A Manager holds sessions. It owns one goroutine, which sleeps until a session may have to end, and while OnEnd calls are due a
// second one; Close ends both.
type Manager struct {
	// Never written after New, but for closed, once.
	cfg        Config // with defaults
	clock      *clock.Clock
	seed       uint64
	shift      uint // a hash shifted right by it is the shard's number
	shards     []shard
	tally      *tally.Tally
	budget     *tally.Budget // nil: unlimited
	group      *ring.Group   // of the rings with the limits of cfg.Ring
	linger     int64         // ns; -never without
	grace      int64         // ns; see word
	resolution time.Duration // of the wheels
	closedChan chan struct{} // closed: what Done returns for an ended session
	noMetadata metadata      // frozen: that of an ended session without any
	closed     atomic.Bool   // by Close

	_        [cacheLine]byte
	shutdown sync.Once
	minter   mint.Minter
	driver   driver
	ends     endings
	watch    watch
	_        [cacheLine]byte
	places   places
}

// New returns a Manager. The error names the field of cfg that is wrong, and its value.
func New(cfg Config) (*Manager, error) { return newOn(clock.New(), cfg) }

func newOn(c *clock.Clock, cfg Config) (*Manager, error) {
	cfg, err := cfg.normalize()
	if err != nil {
		return nil, err
	}
	shards := 1 << bits.Len(uint(cfg.Shards-1))
	m := &Manager{
		cfg:   cfg,
		clock: c,
		seed:  rand.Uint64(),
		shift: uint(64 - bits.Len(uint(shards-1))),
		tally: tally.New(shards),

		// A session that is overdue by grace ends in the tick of the wheel that follows, which is still within a Tick.
		resolution: cfg.Tick / 4,
		grace:      int64(cfg.Tick - cfg.Tick/4),
		linger:     int64(cfg.Linger),

		closedChan: make(chan struct{}),
		noMetadata: metadata{frozen: true},
	}
	if m.linger < 0 {
		m.linger = -never
	}
	close(m.closedChan)
	if cfg.MaxBytes > 0 {
		m.budget = tally.NewBudget(cfg.MaxBytes, cfg.MaxSessions)
	}
	if m.group, err = ring.NewGroup(cfg.Ring, m.shared()); err != nil {
		return nil, fmt.Errorf("shard: Config.Ring: %w", err)
	}
	m.places.init(cfg.MaxSessions, cfg.MaxPerPrincipal)
	m.shards = make([]shard, shards)
	for i := range m.shards {
		m.shards[i].init(m, uint64(i))
	}
	m.ends.init(cfg.OnEnd)
	m.driver.start(m)
	return m, nil
}

// shared is what all rings of the manager share, whatever their limits.
func (m *Manager) shared() ring.Shared {
	return ring.Shared{Clock: m.clock, Tally: m.tally, Budget: m.budget}
}

func (m *Manager) key(id string) key { return key{xxh3.HashStringSeed(id, m.seed), id} }

func (m *Manager) shard(k key) *shard { return &m.shards[k.hash>>m.shift] }

// find returns the session, which may have ended and may no longer linger.
func (m *Manager) find(id string) (*Session, error) {
	if m.closed.Load() {
		return nil, ErrClosed
	}
	k := m.key(id)
	if s, ok := m.shard(k).sessions.Load(k); ok {
		return s, nil
	}
	return nil, about(ErrNotFound, id)
}

// Get returns an active session: one that has not ended. It is not activity. The errors are [ErrNotFound] and [ErrClosed]. It costs
// a look-up in a hash table and does not allocate.
func (m *Manager) Get(id string) (*Session, error) {
	s, err := m.find(id)
	if err != nil {
		return nil, err
	}
	if w := s.state(); w.ended() {
		return nil, s.refuse(w)
	}
	return s, nil
}

// Authorize is Get for a request that comes in the name of principal, "" for nobody's, followed by Touch. A session that
// belongs to somebody else, or to nobody when principal is somebody, is [ErrPrincipal].
func (m *Manager) Authorize(id, principal string) (*Session, error) {
	s, err := m.Get(id)
	if err != nil {
		return nil, err
	}
	owner := s.metadata.Load().principal()
	if subtle.ConstantTimeCompare([]byte(owner), []byte(principal)) == 0 {
		return nil, about(ErrPrincipal, id)
	}
	if err := s.Touch(); err != nil {
		return nil, err
	}
	return s, nil
}

// Info describes an active or lingering session. It is not activity. The errors are [ErrNotFound] and [ErrClosed].
func (m *Manager) Info(id string) (Info, error) {
	s, err := m.find(id)
	if err != nil {
		return Info{}, err
	}
	s.state()
	info := s.info()
	// It may have ended, and gone, since.
	if w := word(s.word.Load()); w.ended() && s.gone(m.clock.Exact()) {
		return Info{}, s.refuse(w)
	}
	return info, nil
}

// Sessions yields the active sessions, finished ones included, in no order. It takes no snapshot: each session that is active
// throughout is yielded once, and one that comes or goes meanwhile at most once. No lock is held while the loop's body runs.
func (m *Manager) Sessions() iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		more := true
		for i := range m.shards {
			m.shards[i].sessions.Range(func(_ key, s *Session) bool {
				more = s.state().ended() || yield(s)
				return more
			})
			if !more {
				return
			}
		}
	}
}

// Terminate ends a session as [Session.Terminate] does. That there is none is no error; after Close, it is [ErrClosed].
func (m *Manager) Terminate(id string) error {
	s, err := m.find(id)
	if err == nil {
		s.Terminate()
	} else if m.closed.Load() {
		return ErrClosed
	}
	return nil
}

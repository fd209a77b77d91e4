package shard

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/reprise-go/reprise/internal/clock"
	"github.com/reprise-go/reprise/internal/mint"
	"github.com/reprise-go/reprise/internal/ringaccess"
	"github.com/reprise-go/reprise/internal/tally"
	"github.com/reprise-go/reprise/ring"
)

// A Manager holds sessions. It owns one goroutine, which sleeps until a session may have to end,
// and while OnEnd calls are due a second one; Close ends both.
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
	grace      int64         // ns; see state
	resolution time.Duration // of the wheels
	closedChan chan struct{} // is closed: what Done returns for an ended session
	noMetadata metadata      // final and empty: that of an ended session which has none
	closed     atomic.Bool   // by Close

	_        [cacheLine]byte
	shutdown sync.Once
	minter   mint.Minter
	driver   driver
	endCalls endCalls
	watch    watch
	_        [cacheLine]byte
	limits   limits
}

// New returns a Manager. The error names the field of cfg that is wrong, and its value.
func New(cfg Config) (*Manager, error) { return newOn(clock.New(), cfg) }

func newOn(c *clock.Clock, cfg Config) (*Manager, error) {
	m, err := newStopped(c, cfg)
	if err != nil {
		return nil, err
	}
	m.driver.start(m)
	return m, nil
}

// newStopped returns a Manager without a goroutine.
func newStopped(c *clock.Clock, cfg Config) (*Manager, error) {
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

		// A session that is overdue by grace ends in the tick of the wheel that follows, which is
		// still within a Tick.
		resolution: cfg.Tick / 4,
		grace:      int64(cfg.Tick - cfg.Tick/4),
		linger:     int64(cfg.Linger),

		closedChan: make(chan struct{}),
		noMetadata: metadata{final: true},
	}
	if m.linger < 0 {
		m.linger = -never
	}
	close(m.closedChan)
	if cfg.MaxBytes > 0 {
		m.budget = tally.NewBudget(cfg.MaxBytes, cfg.MaxSessions)
	}
	if m.group, err = m.newGroup(cfg.Ring); err != nil {
		return nil, fmt.Errorf("shard: Config.Ring: %w", err)
	}
	m.limits.init(cfg.MaxSessions, cfg.MaxPerPrincipal)
	m.shards = make([]shard, shards)
	for i := range m.shards {
		m.shards[i].init(m, uint64(i))
	}
	m.endCalls.init(cfg.OnEnd)
	return m, nil
}

// newGroup returns a group of rings with these limits. All rings of the manager share the rest.
func (m *Manager) newGroup(limits ring.Config) (*ring.Group, error) {
	g, err := ringaccess.NewGroup(limits, ringaccess.Shared{Clock: m.clock, Tally: m.tally, Budget: m.budget})
	if err != nil {
		return nil, err
	}
	return g.(*ring.Group), nil
}

func (m *Manager) key(id string) key { return key{xxh3.HashStringSeed(id, m.seed), id} }

func (m *Manager) shard(k key) *shard { return &m.shards[k.hash>>m.shift] }

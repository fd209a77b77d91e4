package ring

import (
	"fmt"
	"math/rand/v2"

	"github.com/reprise-go/reprise/internal/clock"
	"github.com/reprise-go/reprise/internal/tally"
)

// The bounds of a Config, and of the sequence numbers that a ring can hand out before it closes itself.
const (
	MaxMaxEvents     = 1 << 20
	MaxMaxBytes      = 1<<43 - 1
	MaxMaxEventBytes = 1<<30 - 1
	MaxSeq           = 1<<40 - 1
)

// Config limits one ring. Zero fields take their defaults.
type Config struct {
	MaxEvents     int // events retained; default 1000, at most MaxMaxEvents
	MaxBytes      int // bytes retained: each event's Size plus Overhead; default 8 MiB, at most MaxMaxBytes
	MaxEventBytes int // one event's Size; default 1 MiB, at most MaxMaxEventBytes
}

func (c Config) withDefaults() (Config, error) {
	for _, f := range []struct {
		name        string
		value       *int
		preset, max int64
	}{
		{"MaxEvents", &c.MaxEvents, 1000, MaxMaxEvents},
		{"MaxBytes", &c.MaxBytes, 8 << 20, MaxMaxBytes},
		{"MaxEventBytes", &c.MaxEventBytes, 1 << 20, MaxMaxEventBytes},
	} {
		if *f.value < 0 || int64(*f.value) > f.max {
			return c, fmt.Errorf("ring: Config.%s is %d, want 1 to %d, or 0 for %d", f.name, *f.value, f.max, f.preset)
		}
		if *f.value == 0 {
			*f.value = int(f.preset)
		}
	}
	return c, nil
}

// Shared is what the rings of one Group have in common beside their limits. It is for package shard: everything in it is internal.
type Shared struct {
	Clock  *clock.Clock
	Tally  *tally.Tally  // counters of all rings together; nil: nothing is counted
	Budget *tally.Budget // bounds the bytes of all rings together; nil: unlimited
	Start  uint64        // sequence numbers begin after this one; for tests of large ones
}

// A Group makes rings with the same limits; thousands of them share one copy. It is immutable and safe for concurrent use.
type Group struct {
	Shared
	maxBytes      int64 // Config, in as few bytes as its bounds allow: a ring made by New has a Group of its own
	maxEvents     int32
	maxEventBytes int32
	maxSize       int32  // what an event may have under both limits
	hints         bool   // slots have room for sums of costs
	seed          uint64 // secret part of the rings' ID hashes
}

// costs returns a power of two, less one, that is more than is ever retained: sums of costs are kept modulo costs+1.
func (g *Group) costs() uint64 {
	if g.hints {
		return 1<<sumBits - 1
	}
	return 1<<costBits - 1
}

// NewGroup returns an error that names the field for a limit that is negative or above its bound.
func NewGroup(cfg Config, shared Shared) (*Group, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if shared.Clock == nil {
		shared.Clock = clock.New()
	}
	return &Group{
		Shared:        shared,
		maxBytes:      int64(cfg.MaxBytes),
		maxEvents:     int32(cfg.MaxEvents),
		maxEventBytes: int32(cfg.MaxEventBytes),
		maxSize:       int32(min(cfg.MaxEventBytes, cfg.MaxBytes-Overhead)),
		hints:         cfg.MaxBytes < 1<<sumBits-maxAssigned-MaxIDBytes,
		seed:          rand.Uint64(),
	}, nil
}

// Config returns the limits with their defaults filled in.
func (g *Group) Config() Config {
	return Config{MaxEvents: int(g.maxEvents), MaxBytes: int(g.maxBytes), MaxEventBytes: int(g.maxEventBytes)}
}

// New returns an empty ring, which costs 80 bytes until its first event.
func (g *Group) New() *Ring { return g.make(newTag(), g.Start) }

func (g *Group) make(tag [tagLen]byte, start uint64) *Ring {
	r := &Ring{group: g, tag: tag}
	r.table.Store(&noTable)
	r.dir.Store(&noChunks)
	r.tail.Store(tailOf(start, 0))
	r.account(int64(ringBytes))
	return r
}

// New returns an empty ring. A limit that is negative or above its bound is an error that names the field.
func New(cfg Config) (*Ring, error) {
	g, err := NewGroup(cfg, Shared{})
	if err != nil {
		return nil, err
	}
	return g.New(), nil
}

package ring

import (
	"cmp"
	"math/rand/v2"
	"runtime"

	"github.com/reprise-go/reprise/internal/clock"
)

// The bounds of a Config, and of the sequence numbers that a ring can hand out before it closes
// itself.
const (
	MaxMaxEvents     = 1 << 20
	MaxMaxBytes      = 1<<43 - 1
	MaxMaxEventBytes = 1<<30 - 1
	MaxMaxIDBytes    = 1 << 10
	MaxSeq           = 1<<40 - 1
)

// Config limits one ring. Zero fields take their defaults.
//
// MaxIDBytes and StrictIDs are about the IDs that producers give to events. Those that a ring
// assigns are short and plain, and always taken. An ID goes to clients as an SSE id and comes back
// in an HTTP header. Several clients that are not browsers send one with characters beyond ASCII
// back mangled: then it is unknown, and the client cannot resume. StrictIDs holds producers to IDs
// that come back as they are.
type Config struct {
	MaxEvents     int // events retained; default 1000, at most MaxMaxEvents
	MaxBytes      int // bytes retained: each event's Size plus Overhead; default 8 MiB, at most MaxMaxBytes
	MaxEventBytes int // one event's Size; default 1 MiB, at most MaxMaxEventBytes
	MaxIDBytes    int // of an event's ID; default 256, at most MaxMaxIDBytes
	// StrictIDs refuses IDs with anything but printable ASCII, 0x20 to 0x7E. Without it they are
	// UTF-8 without control characters. Neither may begin or end with a space.
	StrictIDs bool
}

// Complete returns c with the defaults in place of zeros, or a *ConfigError for a limit that is
// negative or above its bound.
func (c Config) Complete() (Config, error) {
	if err := complete("MaxEvents", &c.MaxEvents, 1000, MaxMaxEvents); err != nil {
		return c, err
	}
	if err := complete("MaxBytes", &c.MaxBytes, 8<<20, MaxMaxBytes); err != nil {
		return c, err
	}
	if err := complete("MaxEventBytes", &c.MaxEventBytes, 1<<20, MaxMaxEventBytes); err != nil {
		return c, err
	}
	return c, complete("MaxIDBytes", &c.MaxIDBytes, MaxIDBytes, MaxMaxIDBytes)
}

func complete(field string, value *int, preset, most int64) error {
	if *value < 0 || int64(*value) > most {
		return &ConfigError{field, int64(*value), most, preset}
	}
	if *value == 0 {
		*value = int(preset)
	}
	return nil
}

// A Group makes rings with the same limits, for package shard; thousands of them share one copy. It
// is immutable and safe for concurrent use.
type Group struct {
	shared
	maxBytes      int64 // Config
	maxEvents     int32
	maxEventBytes int32
	maxSize       int32 // what an event may have under both limits
	pageEvents    int32 // how many events a page is to hold, of average size
	maxIDBytes    int16 // Config
	strictIDs     bool
	alone         bool   // there is one processor: waiting without giving it up helps nobody
	seed          uint64 // secret part of the rings' ID hashes
}

// newGroup returns a *ConfigError for a limit that is negative or above its bound.
func newGroup(cfg Config, common shared) (*Group, error) {
	cfg, err := cfg.Complete()
	if err != nil {
		return nil, err
	}
	if common.Clock == nil {
		common.Clock = clock.New()
	}
	return &Group{
		shared:        common,
		maxBytes:      int64(cfg.MaxBytes),
		maxEvents:     int32(cfg.MaxEvents),
		maxEventBytes: int32(cfg.MaxEventBytes),
		maxSize:       int32(min(cfg.MaxEventBytes, cfg.MaxBytes-Overhead)),
		pageEvents:    pageEventsFor(cfg.MaxEvents),
		maxIDBytes:    int16(cfg.MaxIDBytes),
		strictIDs:     cfg.StrictIDs,
		alone:         runtime.GOMAXPROCS(0) == 1,
		seed:          rand.Uint64(),
	}, nil
}

// Or returns c with its zero fields replaced by those of otherwise. IDs are strict where either
// says so.
func (c Config) Or(otherwise Config) Config {
	return Config{
		MaxEvents:     cmp.Or(c.MaxEvents, otherwise.MaxEvents),
		MaxBytes:      cmp.Or(c.MaxBytes, otherwise.MaxBytes),
		MaxEventBytes: cmp.Or(c.MaxEventBytes, otherwise.MaxEventBytes),
		MaxIDBytes:    cmp.Or(c.MaxIDBytes, otherwise.MaxIDBytes),
		StrictIDs:     c.StrictIDs || otherwise.StrictIDs,
	}
}

// Config returns the limits with their defaults filled in.
func (g *Group) Config() Config {
	return Config{int(g.maxEvents), int(g.maxBytes), int(g.maxEventBytes), int(g.maxIDBytes), g.strictIDs}
}

// Init makes r, which is zero and part of something else, an empty ring. r must not be copied.
func (g *Group) Init(r *Ring) { g.init(r, newTag(), g.Start) }

func (g *Group) init(r *Ring, tag [tagLen]byte, start uint64) {
	r.group, r.tag = g, tag
	r.cur.Store(&noPage)
	r.dir.Store(&noDirectory)
	r.word.Store(wordOf(start, 0, 0))
}

// New returns an empty ring, which costs 80 bytes until its first event.
func (g *Group) New() *Ring {
	r := new(Ring)
	g.Init(r)
	return r
}

// New returns an empty ring. A limit that is negative or above its bound is a *ConfigError.
func New(cfg Config) (*Ring, error) {
	g, err := newGroup(cfg, shared{})
	if err != nil {
		return nil, err
	}
	return g.New(), nil
}

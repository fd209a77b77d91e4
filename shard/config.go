package shard

import (
	"fmt"
	"runtime"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// Config holds a Manager's limits. The zero Config is ready for production.
type Config struct {
	// Shards is the number of independent parts, rounded up to a power of two; at most 16,384. Default: 4×GOMAXPROCS.
	Shards int
	// MaxSessions bounds the active sessions, finished ones included. Default: 10,000; negative: unlimited.
	MaxSessions int
	// MaxBytes bounds the event bytes that all sessions retain together. Half of it is divided into equal shares, one for
	// each of MaxSessions, which nobody else can take; the rest is common. Default: 1 GiB; negative: unlimited.
	MaxBytes int64
	// MaxPerPrincipal bounds the active sessions of one non-empty principal. Default, or negative: unlimited.
	MaxPerPrincipal int
	// MaxAttached bounds the readers of one session. Default, or negative: unlimited.
	MaxAttached int
	// TTL is how long a session lives without activity. Default: 1 hour; negative, or over 2^60 ns (36 years): for ever.
	TTL time.Duration
	// Linger is how long an ended session answers Info and keeps its ID, and how long a finished one stays readable.
	// Default: 1 minute; negative: not at all; over 2^60 ns: as long.
	Linger time.Duration
	// Tick is how late a session may expire; from 1 ms to 1 minute. Default: 100 ms.
	Tick time.Duration
	// Ring holds the limits of each session's log.
	Ring ring.Config
	// Health says from where on Session.Health calls a session unhealthy.
	Health Thresholds
	// OnEnd, if set, is called exactly once for each session that has ended, with the session's final Info (Log as it was at
	// the end). Calls come one after another from a goroutine of the Manager's that holds no lock, so OnEnd may call
	// anything, Close included; while it blocks, later calls wait, and so does Close when called from elsewhere.
	OnEnd func(Info)
}

const (
	maxShards = 1 << 14
	maxTick   = time.Minute
	never     = 1 << 60 // nanoseconds, and above every reading of the clock
)

// normalize checks c and replaces what is left to the default; the ring's limits are checked by the ring.
func (c Config) normalize() (Config, error) {
	if c.Shards < 0 || c.Shards > maxShards {
		return c, fmt.Errorf("shard: Config.Shards is %d, want 0 (default) to %d", c.Shards, maxShards)
	}
	if c.Shards == 0 {
		c.Shards = min(4*runtime.GOMAXPROCS(0), maxShards)
	}
	if c.Tick != 0 && (c.Tick < time.Millisecond || c.Tick > maxTick) {
		return c, fmt.Errorf("shard: Config.Tick is %v, want 0 (default) or %v to %v", c.Tick, time.Millisecond, maxTick)
	}
	for name, part := range map[string]float64{"Danger": c.Health.Danger, "Idle": c.Health.Idle} {
		if !(part <= 1) {
			return c, fmt.Errorf("shard: Config.Health.%s is %v, want at most 1", name, part)
		}
	}
	orElse(&c.MaxSessions, 10_000)
	orElse(&c.MaxBytes, 1<<30)
	orElse(&c.TTL, time.Hour)
	orElse(&c.Linger, time.Minute)
	orElse(&c.Tick, 100*time.Millisecond)
	orElse(&c.Health.Danger, 0.75)
	orElse(&c.Health.Window, 30*time.Second)
	orElse(&c.Health.Unread, time.Minute)
	orElse(&c.Health.Idle, 0.75)
	c.TTL = clampTTL(c.TTL)
	c.Linger = min(c.Linger, never)
	return c, nil
}

func orElse[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// clampTTL makes every TTL that never ends the same one.
func clampTTL(d time.Duration) time.Duration {
	if d < 0 || d > never {
		return never
	}
	return d
}

// Config returns the configuration in force: what was given to New, with the defaults filled in. Limits that are not there are negative or, where
// that is the default, 0; a TTL without end is 2^60 ns.
func (m *Manager) Config() Config {
	cfg := m.cfg
	cfg.Ring = m.group.Config()
	return cfg
}

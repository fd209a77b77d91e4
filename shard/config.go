package shard

import (
	"fmt"
	"runtime"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// Config holds a Manager's limits. The zero Config chooses 10,000 sessions, 1,000 events or 8 MiB
// for each and 1 GiB for all, an hour without activity, and a minute of lingering: right for a
// server whose clients are away for seconds and whose answers have hundreds of events. It bounds
// neither the sessions of one principal nor the readers of one session: a server that strangers
// reach sets MaxPerPrincipal and MaxAttached.
//
// # How to size it
//
// Ring.MaxEvents: a client that was away gets everything it missed if the log holds what was
// appended meanwhile: MaxEvents ≥ events a second × the longest outage in seconds. A log of 1,000
// that gets 1,000 events a second reaches back one second. Where one answer must be readable from
// its beginning (a tool's result, a model's reply), also MaxEvents ≥ the events of the longest
// answer. Ring.MaxBytes likewise, with the events' sizes and 64 bytes for each. [Session.Health]
// tells how far a log reaches back, and Thresholds.Window when that is too little.
//
// MaxBytes: at least MaxSessions × the bytes that a session usually retains. A session that needs
// more than its share while there is none left drops its own oldest events, and nobody else's.
//
// Linger: as long as a client takes to come back for the end of what it was reading, such as a page
// that is loaded again: after that, a finished session's events are gone.
//
// TTL: longer than the longest pause between requests of a client that is still there. An attached
// reader holds expiry off, however long: a client that keeps a connection open for ever, as SDKs
// do, keeps its session for ever. Whoever wants an end all the same calls Terminate.
type Config struct {
	// Shards is the number of independent parts, rounded up to a power of two; at most 16,384.
	// Default: 4×GOMAXPROCS.
	Shards int
	// MaxSessions bounds the active sessions, finished ones included. Default: 10,000; negative:
	// unlimited.
	MaxSessions int
	// MaxBytes bounds the event bytes that all sessions retain together. Half of it is divided into
	// equal shares, one for each of MaxSessions, which nobody else can take; the rest is common.
	// Default: 1 GiB; negative: unlimited.
	MaxBytes int64
	// MaxPerPrincipal bounds the active sessions of one non-empty principal. Default, or negative:
	// unlimited.
	MaxPerPrincipal int
	// MaxAttached bounds the readers that are attached to one session. Default, or negative:
	// unlimited.
	MaxAttached int
	// MaxClaims bounds the keys that one session can claim; see Session.Claim. Default: 1,000;
	// negative: unlimited, which lets whoever chooses the keys take as much memory as they like.
	MaxClaims int
	// TTL is how long a session lives without activity. Default: 1 hour; negative, or over 2^60 ns
	// (36 years): for ever. Where it is below 20 s, or Tick below 50 ms, every append reads the
	// exact clock, which costs it about 100 ns.
	TTL time.Duration
	// Linger is how long an ended session answers Info and keeps its ID, and how long a finished
	// one stays readable. Default: 1 minute; negative: not at all; over 2^60 ns: as long.
	Linger time.Duration
	// Tick is how late a session may expire; from 1 ms to 1 minute. Default: 100 ms.
	Tick time.Duration
	// Ring holds the limits of each session's log.
	Ring ring.Config
	// Health says when Session.Health calls a session unhealthy.
	Health Thresholds
	// OnEnd, if set, is called exactly once for each session that has ended, with the session's
	// final Info (Log as it was at the end). Calls come one after another from a goroutine of the
	// Manager's that holds no lock, so OnEnd may call anything, Close included; while it blocks,
	// later calls wait, and so does Close when called from elsewhere.
	OnEnd func(Info)
}

const (
	maxShards = 1 << 14
	maxTick   = time.Minute
	never     = 1 << 60 // nanoseconds, and above every reading of the clock
)

// normalize checks c and replaces what is left to the default; the ring's limits are checked by the
// ring.
func (c Config) normalize() (Config, error) {
	if c.Shards < 0 || c.Shards > maxShards {
		return c, fmt.Errorf("shard: Config.Shards is %d, want 0 (default) to %d", c.Shards, maxShards)
	}
	if c.Shards == 0 {
		c.Shards = min(4*runtime.GOMAXPROCS(0), maxShards)
	}
	if c.Tick != 0 && (c.Tick < time.Millisecond || c.Tick > maxTick) {
		return c, fmt.Errorf("shard: Config.Tick is %v, want 0 (default) or %v to %v", c.Tick, time.Millisecond,
			maxTick)
	}
	for name, part := range map[string]float64{"Danger": c.Health.Danger, "Idle": c.Health.Idle} {
		if !(part <= 1) {
			return c, fmt.Errorf("shard: Config.Health.%s is %v, want at most 1", name, part)
		}
	}
	orElse(&c.MaxSessions, 10_000)
	orElse(&c.MaxBytes, 1<<30)
	orElse(&c.MaxClaims, 1000)
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

// Config returns the configuration in force: what was given to New, with the defaults filled in.
// Limits that are not there are negative or, where that is the default, 0; a TTL without end is
// 2^60 ns.
func (m *Manager) Config() Config {
	cfg := m.cfg
	cfg.Ring = m.group.Config()
	return cfg
}

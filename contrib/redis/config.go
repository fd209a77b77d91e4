package redis

import (
	"fmt"
	"math"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/zeebo/xxh3"
)

// Config holds a Store's limits, which mean what they mean in shard.Config. The zero Config chooses
// 10,000 sessions that live for an hour without activity, logs of 1,000 events and 8 MiB each,
// leases of 15 seconds and calls of up to 5 seconds. It sets no limit on the sessions of a
// principal or the readers of a session. All processes that share sessions must have the same
// Config, Timeout aside: sessions of another one are refused with [ErrConfig].
type Config struct {
	// Prefix begins all keys and channels, so that several stores can share the servers: 1 to 32 of
	// the characters A-Z a-z 0-9 . _ -. Default: "reprise".
	Prefix string
	// MaxSessions bounds the active sessions, finished ones included. Default: 10,000; negative:
	// unlimited, which saves Create a round trip.
	MaxSessions int
	// MaxPerPrincipal bounds the active sessions of one non-empty principal. Default, or negative:
	// unlimited.
	MaxPerPrincipal int
	// MaxAttached bounds the open readers of one session, in all processes together. Default, or
	// negative: unlimited.
	MaxAttached int
	// MaxClaims bounds the keys that one session claims. Default: 1000; negative: unlimited.
	MaxClaims int
	// TTL is how long a session lives without activity, in whole milliseconds. Default: 1 hour;
	// negative: for ever.
	TTL time.Duration
	// Linger is how long an ended session answers Info and keeps its ID, and how long a finished
	// one stays readable, in whole milliseconds. Default: 1 minute; negative: not at all.
	Linger time.Duration
	// Ring holds the limits of each session's log. There is no bound on the bytes of all sessions
	// together: that is the servers' maxmemory, with the policy noeviction.
	Ring ring.Config

	// Lease is how long a reader holds its session open beyond the last sign of life of its
	// process, which gives one every third of a Lease and looks at the session's newest event at
	// the same time. From 1 second to 1 hour. Default: 15 seconds.
	Lease time.Duration
	// Timeout bounds every method that talks to Redis, attempts and pauses together, beside the
	// caller's context. From 10 ms to 1 minute. Default: 5 seconds.
	Timeout time.Duration
}

const never time.Duration = 1 << 60

func (c Config) normalize() (Config, error) {
	orElse(&c.Prefix, "reprise")
	orElse(&c.MaxSessions, 10_000)
	orElse(&c.MaxClaims, 1000)
	orElse(&c.TTL, time.Hour)
	orElse(&c.Linger, time.Minute)
	orElse(&c.Lease, 15*time.Second)
	orElse(&c.Timeout, 5*time.Second)
	if !validPrefix(c.Prefix) {
		return c, fmt.Errorf("redis: Config.Prefix is %.64q, want 1 to 32 of A-Z a-z 0-9 . _ -", c.Prefix)
	}
	if c.Lease < time.Second || c.Lease > time.Hour {
		return c, fmt.Errorf("redis: Config.Lease is %v, want 0 (default) or 1s to 1h", c.Lease)
	}
	if c.Timeout < 10*time.Millisecond || c.Timeout > time.Minute {
		return c, fmt.Errorf("redis: Config.Timeout is %v, want 0 (default) or 10ms to 1m", c.Timeout)
	}
	if c.MaxClaims < 0 {
		c.MaxClaims = math.MaxInt32
	}
	for name, d := range map[string]time.Duration{"TTL": c.TTL, "Linger": c.Linger} {
		if d > 0 && d < time.Millisecond {
			return c, fmt.Errorf("redis: Config.%s is %v, want 0 (default), negative or at least 1ms", name, d)
		}
	}
	if c.TTL < 0 || c.TTL > never {
		c.TTL = never
	}
	c.Linger = min(max(0, c.Linger), never)
	var err error
	if c.Ring, err = c.Ring.Complete(); err != nil {
		return c, fmt.Errorf("redis: Config.Ring: %w", err)
	}
	return c, nil
}

// layout is the version of what the Store keeps on the server. A change of it changes every
// fingerprint.
const layout = 3

// fingerprint tells a Config from others that make sessions which do not go with its own.
func (c Config) fingerprint() uint32 {
	c.Prefix, c.Timeout = "", 0
	return uint32(xxh3.HashString(fmt.Sprintf("%d %+v", layout, c)))
}

func orElse[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

func validPrefix(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 32
}

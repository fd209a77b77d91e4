package pebble

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Config holds a Store's limits, which mean what they mean in shard.Config. The zero Config chooses
// 10,000 sessions that live for an hour without activity, logs of 1,000 events and 8 MiB each, and
// that every call is on disk before it returns. It sets no limit on the sessions of a principal or
// the readers of a session. Config may differ from the one with which the directory was opened
// before: sessions that are there keep the TTL and the limits of their logs.
type Config struct {
	// MaxSessions bounds the active sessions, finished ones included. Default: 10,000; negative:
	// unlimited.
	MaxSessions int
	// MaxPerPrincipal bounds the active sessions of one non-empty principal. Default, or negative:
	// unlimited.
	MaxPerPrincipal int
	// MaxAttached bounds the open readers of one session. Default, or negative: unlimited.
	MaxAttached int
	// MaxClaims bounds the keys that one session can claim. Default: 1,000; negative: unlimited.
	MaxClaims int
	// TTL is how long a session lives without activity, whether the process runs or not. Default: 1
	// hour; negative, or over 2^60 ns: for ever.
	TTL time.Duration
	// Linger is how long an ended session answers Info and keeps its ID, and how long a finished
	// one stays readable, whether the process runs or not. Default: 1 minute; negative: not at all.
	Linger time.Duration
	// Ring holds the limits of each session's log. There is no bound on the bytes of all sessions
	// together: that is the disk, see MinFree.
	Ring ring.Config

	// SyncEvery is how long what a call has confirmed may take to be on disk. 0: it is there before
	// the call returns. Up to 1 hour.
	SyncEvery time.Duration
	// MinFree is how many bytes of the disk are left alone: with less, appends and new sessions are
	// ErrDiskFull. Pebble needs some room of its own to tidy up. Default: 64 MiB; negative: none.
	MinFree int64
	// Progress, if set, is called from Open: after 10,000 sessions each, or some that have 100,000
	// events together, and once at its end.
	Progress func(Progress)

	fs vfs.FS // nil: the disk
}

// Progress is how far Open has come with what was in the directory.
type Progress struct {
	Sessions int    // that were found, lingering ones included
	Events   uint64 // that they retain
	Done     bool   // Open is about to return
}

const never = 1 << 60 // nanoseconds

func (c Config) normalize() (Config, error) {
	orElse(&c.MaxSessions, 10_000)
	orElse(&c.MaxClaims, 1000)
	orElse(&c.TTL, time.Hour)
	orElse(&c.Linger, time.Minute)
	orElse(&c.MinFree, 64<<20)
	if c.fs == nil {
		c.fs = vfs.Default
	}
	if c.SyncEvery < 0 || c.SyncEvery > time.Hour {
		return c, fmt.Errorf("pebble: Config.SyncEvery is %v, want 0 to 1h", c.SyncEvery)
	}
	c.TTL = clampTTL(c.TTL)
	c.Linger = min(c.Linger, never)
	var err error
	if c.Ring, err = c.Ring.Complete(); err != nil {
		return c, fmt.Errorf("pebble: Config.Ring: %w", err)
	}
	return c, nil
}

// Limits implements replay.Limiter.
func (s *Store) Limits() ring.Config { return s.cfg.Ring }

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

// validateID refuses what an HTTP header could not carry as a session ID.
func validateID(id string) error {
	if len(id) == 0 || len(id) > 128 {
		return fmt.Errorf("%w: %d bytes, want 1 to 128", shard.ErrInvalidID, len(id))
	}
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return fmt.Errorf("%w: byte 0x%02x at %d of %.64q, want 0x21 to 0x7E", shard.ErrInvalidID, id[i], i, id)
		}
	}
	return nil
}

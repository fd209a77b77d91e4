package tiered

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// ErrElsewhere means that another process writes the session.
var ErrElsewhere = errors.New("tiered: the session is written elsewhere")

// Config holds a Store's parameters. The zero Config copies within a moment, 1024 calls at a time,
// and lets another process take sessions over 15 s after this one has died.
type Config struct {
	// Shard configures the sessions of this process: their limits and TTL go along to the Store
	// behind, which should admit at least as many sessions and bytes in all.
	Shard shard.Config

	// Sync makes every write wait until it is behind. If the copy fails for good or ctx ends first,
	// Append returns the event together with the error: it is stored here and is copied as soon as
	// that is possible; readers see it from then on. An Append makes the call to the Store behind
	// itself where it can, with ctx: one that does not come back when that ends holds it up.
	Sync bool

	// Holder names this process to the Store behind, 1 to 128 bytes. Processes need different
	// names; one that starts again under its old name gets its sessions back at once, without
	// waiting for Term. Default: a random one.
	Holder string

	// Term is how long a lease runs: so long after the death of a process others cannot write to
	// its sessions. It is renewed every third of that. 100 ms to 1 hour; default 15 s.
	Term time.Duration

	// Copiers is how many calls that answer in time are made to the Store behind at once; default
	// 1024. Calls that hang take at most half of these for long, so that a part of it that is away
	// does not hold up the rest.
	Copiers int

	// Timeout bounds each call to the Store behind, beside the caller's context where there is one,
	// and how long Close copies what is left; default 5 s.
	Timeout time.Duration
}

func (c Config) normalize() (Config, error) {
	switch {
	case c.Copiers < 0:
		return c, fmt.Errorf("tiered: Config.Copiers is %d, want 0 (default) or more", c.Copiers)
	case c.Timeout < 0:
		return c, fmt.Errorf("tiered: Config.Timeout is %v, want 0 (default) or more", c.Timeout)
	case c.Term != 0 && (c.Term < 100*time.Millisecond || c.Term > time.Hour):
		return c, fmt.Errorf("tiered: Config.Term is %v, want 0 (default) or 100ms to 1h", c.Term)
	case len(c.Holder) > 128:
		return c, fmt.Errorf("tiered: Config.Holder has %d bytes, want at most 128", len(c.Holder))
	}
	orElse(&c.Copiers, 1024)
	orElse(&c.Timeout, 5*time.Second)
	orElse(&c.Term, 15*time.Second)
	orElse(&c.Holder, rand.Text())
	orElse(&c.Shard.TTL, time.Hour)
	return c, nil
}

func orElse[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

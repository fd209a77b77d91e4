// Package ringaccess lets the project's own packages make rings that share more than limits. Its
// variables are set once, while package ring is initialized, and only read after that.
package ringaccess

import (
	"github.com/reprise-go/reprise/internal/clock"
	"github.com/reprise-go/reprise/internal/tally"
)

// Shared is what the rings of one group have in common beside their limits.
type Shared struct {
	Clock  *clock.Clock  // nil: one of the group's own
	Tally  *tally.Tally  // counters of all rings together; nil: nothing is counted
	Budget *tally.Budget // bounds the bytes of all rings together; nil: unlimited
	Start  uint64        // sequence numbers begin after this one; for tests of large ones
}

var (
	// NewGroup returns a *ring.Group with the limits of cfg, a ring.Config, or a *ring.ConfigError.
	NewGroup func(cfg any, shared Shared) (any, error)

	// NewTag returns a random tag, for Group.InitAt.
	NewTag func() string
)

package shard

import (
	"fmt"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// Options describe one session to CreateWith.
type Options struct {
	ID string // "" mints a UUIDv4
	Metadata
	TTL  time.Duration // 0: Config.TTL; negative: never
	Ring ring.Config   // zero fields: those of Config.Ring; it can add StrictIDs, not take it away
}

// groupFor returns a group for the given limits, whose zero fields mean those of Config.Ring.
func (m *Manager) groupFor(c ring.Config) (*ring.Group, error) {
	if c == (ring.Config{}) {
		return m.group, nil
	}
	base := m.group.Config()
	if c = c.Or(base); c == base {
		return m.group, nil
	}
	g, err := m.newGroup(c)
	if err != nil {
		return nil, fmt.Errorf("shard: Options.Ring: %w", err)
	}
	return g, nil
}

// Limits returns the limits of the session's log, defaults filled in.
func (s *Session) Limits() ring.Config {
	if x := s.optional.Load(); x != nil && x.group != nil {
		return x.group.Config()
	}
	return s.home.m.group.Config()
}

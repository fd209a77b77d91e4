package shard

import (
	"sync/atomic"

	"github.com/reprise-go/reprise/ring"
)

// more is what not every session needs: it is there from the first use on, for good.
type more struct {
	value     atomic.Pointer[any] // nil: never set
	group     *ring.Group         // limits of the session's own; nil: those of Config.Ring; never written after newSession
	followers followers
}

// extra returns the session's more, which is there then.
func (s *Session) extra() *more {
	if x := s.more.Load(); x != nil {
		return x
	}
	s.more.CompareAndSwap(nil, new(more))
	return s.more.Load()
}

// SetValue keeps v, of any type and nil included, as the application's own state. It works on ended sessions too.
func (s *Session) SetValue(v any) { s.extra().value.Store(&v) }

// Value returns what SetValue was last given, or nil.
func (s *Session) Value() any {
	if x := s.more.Load(); x != nil {
		if v := x.value.Load(); v != nil {
			return *v
		}
	}
	return nil
}

// Limits returns the limits of the session's log, defaults filled in.
func (s *Session) Limits() ring.Config {
	if x := s.more.Load(); x != nil && x.group != nil {
		return x.group.Config()
	}
	return s.home.m.group.Config()
}

package shard

import (
	"sync/atomic"

	"github.com/reprise-go/reprise/ring"
)

// optional holds what few sessions need. It is made at the first use and then kept.
type optional struct {
	value atomic.Pointer[any] // nil: never set
	// limits of the session's own; nil: those of Config.Ring; never written after newSession
	group   *ring.Group
	readers readers
	claims  atomic.Pointer[claims] // nil: never claimed
}

// withOptional returns the session's optional, which it makes if need be.
func (s *Session) withOptional() *optional {
	if x := s.optional.Load(); x != nil {
		return x
	}
	s.optional.CompareAndSwap(nil, new(optional))
	return s.optional.Load()
}

func (x *optional) withClaims() *claims {
	if c := x.claims.Load(); c != nil {
		return c
	}
	x.claims.CompareAndSwap(nil, new(claims))
	return x.claims.Load()
}

// SetValue keeps v, of any type and nil included, as the application's own state. It works on ended
// sessions too.
func (s *Session) SetValue(v any) { s.withOptional().value.Store(&v) }

// Value returns what SetValue was last given, or nil.
func (s *Session) Value() any {
	if x := s.optional.Load(); x != nil {
		if v := x.value.Load(); v != nil {
			return *v
		}
	}
	return nil
}

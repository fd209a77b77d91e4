package shard

import (
	"fmt"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"
)

// places counts the active sessions and keeps them within MaxSessions and MaxPerPrincipal, exactly: a place is taken only for a
// session that is then created, never for one that another limit refuses.
type places struct {
	max, perPrincipal int // 0: unlimited
	active            atomic.Int64
	owners            *xsync.MapOf[string, int] // principal to active sessions, those with any; nil when perPrincipal is 0
}

func (p *places) init(sessions, perPrincipal int) {
	p.max, p.perPrincipal = max(0, sessions), max(0, perPrincipal)
	if p.perPrincipal > 0 {
		p.owners = xsync.NewMapOf[string, int]()
	}
}

// take takes a place for a session of the given principal.
func (p *places) take(principal string) (err error) {
	if p.owners == nil || principal == "" {
		return p.takeOne()
	}
	// The place itself is taken under the principal's lock, so that neither count is ever raised without the other.
	p.owners.Compute(principal, func(n int, _ bool) (int, bool) {
		if n >= p.perPrincipal {
			err = fmt.Errorf("%w: %d of one principal, the most there may be", ErrSessionLimit, n)
		} else if err = p.takeOne(); err == nil {
			n++
		}
		return n, n == 0
	})
	return err
}

func (p *places) takeOne() error {
	for {
		n := p.active.Load()
		if p.max > 0 && n >= int64(p.max) {
			return fmt.Errorf("%w: %d, the most there may be", ErrSessionLimit, n)
		}
		if p.active.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

// free gives back what take took: both places at once, for those who want one of the principal's.
func (p *places) free(principal string) {
	if p.owners == nil || principal == "" {
		p.active.Add(-1)
		return
	}
	p.owners.Compute(principal, func(n int, _ bool) (int, bool) {
		p.active.Add(-1)
		return n - 1, n <= 1
	})
}

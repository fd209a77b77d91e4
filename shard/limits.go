package shard

import (
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"
)

// limits counts the active sessions and keeps them within MaxSessions and MaxPerPrincipal, exactly:
// a place is taken only for a session that is then created, never for one that another limit
// refuses.
type limits struct {
	max, perPrincipal int // 0: unlimited
	active            atomic.Int64
	// From principal to active sessions, for those with any; nil when perPrincipal is 0.
	owners *xsync.MapOf[string, int]
}

func (l *limits) init(sessions, perPrincipal int) {
	l.max, l.perPrincipal = max(0, sessions), max(0, perPrincipal)
	if l.perPrincipal > 0 {
		l.owners = xsync.NewMapOf[string, int]()
	}
}

// admit takes a place for a session of the given principal.
func (l *limits) admit(principal string) (err error) {
	if l.owners == nil || principal == "" {
		return l.admitOne()
	}
	// The place itself is taken under the principal's lock, so that neither count is ever raised
	// without the other.
	l.owners.Compute(principal, func(n int, _ bool) (int, bool) {
		if n >= l.perPrincipal {
			err = &limitError{ErrSessionLimit, n, true}
		} else if err = l.admitOne(); err == nil {
			n++
		}
		return n, n == 0
	})
	return err
}

func (l *limits) admitOne() error {
	for {
		n := l.active.Load()
		if l.max > 0 && n >= int64(l.max) {
			return &limitError{ErrSessionLimit, int(n), false}
		}
		if l.active.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

// release gives back what admit took. It lowers both counts under the principal's lock, so that
// nobody is admitted by one and refused by the other.
func (l *limits) release(principal string) {
	if l.owners == nil || principal == "" {
		l.active.Add(-1)
		return
	}
	l.owners.Compute(principal, func(n int, _ bool) (int, bool) {
		l.active.Add(-1)
		return n - 1, n <= 1
	})
}

package replay

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/reprise-go/reprise/shard"
)

// An Authorizer is a Store that checks by itself whether a session may be used in the name of a
// principal, and counts that as activity: nil for an active or finished session that belongs to
// principal, "" being nobody; shard.ErrNotFound for any that is unknown or has ended;
// shard.ErrPrincipal for one that belongs to somebody else. How long it takes does not tell how
// much of a principal is right.
type Authorizer interface {
	Authorize(ctx context.Context, id, principal string) error
}

// Authorize checks whether a session may be used in the name of a principal, as [Authorizer] says.
// Where the Store is none it compares with what Info says, which is no activity.
func Authorize(ctx context.Context, s Store, id, principal string) error {
	if a, ok := s.(Authorizer); ok {
		return a.Authorize(ctx, id, principal)
	}
	info, err := s.Info(ctx, id)
	switch {
	case err != nil:
		return err
	case info.Status != shard.Active && info.Status != shard.Finished:
		return shard.ErrNotFound
	case !same(info.Principal, principal):
		return shard.ErrPrincipal
	}
	return nil
}

// same compares in a time that depends on neither the contents nor the length that they share.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// A session is what a request has been authorized for. Opening and terminating it cannot reach
// another session that was created under the same ID in the meantime, as far as the Store can tell
// them apart.
type session interface {
	open(ctx context.Context, at Position) (Reader, error)
	info(ctx context.Context) (shard.Info, error)
	terminate(ctx context.Context) error
}

// authorized returns the session with that ID if there is one and it belongs to principal.
func authorized(ctx context.Context, store Store, id, principal string) (session, error) {
	if l, ok := store.(local); ok {
		s, err := l.m.Authorize(id, principal)
		if err != nil {
			return nil, err
		}
		return localSession{s}, nil
	}
	if err := Authorize(ctx, store, id, principal); err != nil {
		return nil, err
	}
	return storeSession{store, id}, nil
}

type localSession struct{ s *shard.Session }

func (l localSession) open(_ context.Context, at Position) (Reader, error) { return open(l.s, at) }
func (l localSession) info(context.Context) (shard.Info, error)            { return l.s.Summary(), nil }
func (l localSession) terminate(context.Context) error                     { l.s.Terminate(); return nil }

type storeSession struct {
	store Store
	id    string
}

func (s storeSession) open(ctx context.Context, at Position) (Reader, error) {
	return s.store.Open(ctx, s.id, at)
}
func (s storeSession) info(ctx context.Context) (shard.Info, error) { return s.store.Info(ctx, s.id) }
func (s storeSession) terminate(ctx context.Context) error          { return s.store.Terminate(ctx, s.id) }

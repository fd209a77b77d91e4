package replay

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"

	"github.com/reprise-go/reprise/shard"
)

// A session is what a request has been authorized for. Opening and terminating it cannot reach another session that
// was created under the same ID in the meantime, as far as the Store can tell them apart.
type session interface {
	open(ctx context.Context, at Position) (Reader, error)
	info(ctx context.Context) (shard.Info, error)
	terminate(ctx context.Context) error
}

// admit returns the session id if it is alive and belongs to the request's principal.
func (h *Handler) admit(r *http.Request, id string) (session, error) {
	var principal string
	if h.Principal != nil {
		principal = h.Principal(r)
	}
	switch store := h.Store.(type) {
	case nil:
		return nil, refuse(http.StatusInternalServerError, "replay.Handler has no Store")
	case local:
		s, err := store.m.Authorize(id, principal)
		if err != nil {
			return nil, err
		}
		return localSession{s}, nil
	}
	info, err := h.Store.Info(r.Context(), id)
	switch {
	case err != nil:
		return nil, err
	case info.Status != shard.Active && info.Status != shard.Finished:
		return nil, shard.ErrNotFound
	case !same(info.Principal, principal):
		return nil, shard.ErrPrincipal
	}
	return storeSession{h.Store, id}, nil
}

// same compares in a time that depends on neither the contents nor the length that they share.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

type localSession struct{ s *shard.Session }

func (l localSession) open(_ context.Context, at Position) (Reader, error) { return open(l.s, at) }
func (l localSession) info(context.Context) (shard.Info, error)            { return l.s.Info(), nil }
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

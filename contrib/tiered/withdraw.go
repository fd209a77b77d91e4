package tiered

import (
	"context"
	"errors"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// A creation is what a Create has asked the Store behind for.
type creation struct {
	id, tag string
	asked   time.Time
	w       replay.Writer // nil when the answer was lost: then it may have been made, or not
}

// isRefusal reports whether an answer to CreateHeld says that nothing was made.
func isRefusal(err error) bool {
	for _, refused := range []error{
		shard.ErrExists, shard.ErrSessionLimit, shard.ErrOverBudget, shard.ErrInvalidID, shard.ErrClosed,
		shard.ErrInvalidMetadata, shard.ErrMetadataTooLarge,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

// withdraw ends what a Create that has failed may have made behind: nobody knows of it, and it
// would take a place until its TTL is over. It goes on in the background when that does not work at
// once. The session goes on arriving until then, so that nobody here takes it over.
func (s *Store) withdraw(ctx context.Context, a *arrival, made creation) {
	a.withdrawing.Store(true)
	began := s.spawn(func() {
		defer s.arrived(made.id, a)
		if made.w != nil { // it is fenced once somebody else has the session
			s.insist(s.ctx, 0, made.w.Terminate)
			return
		}
		// When the lease has run out, another process may have made it its own.
		s.insist(s.ctx, time.Until(made.asked.Add(s.cfg.Term)), func(ctx context.Context) error {
			return s.endTagged(ctx, made.id, made.tag)
		})
	})
	if !began { // Close has come
		s.arrived(made.id, a)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	a.wait(ctx)
}

// insist makes a call to the Store behind until it has an answer, for that long at most; 0 is for
// ever.
func (s *Store) insist(ctx context.Context, most time.Duration, do func(context.Context) error) {
	if most != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	for failures := 0; ctx.Err() == nil; failures++ {
		if err := s.behind(ctx, do); err == nil || isLost(err) {
			return
		}
		s.rest(failures)
	}
}

// endTagged ends the session behind that was made with a tag, if there is one.
func (s *Store) endTagged(ctx context.Context, id, tag string) error {
	w, err := s.reclaim(ctx, id, tag)
	if errors.Is(err, shard.ErrExists) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.Terminate(ctx)
}

// reclaim returns a Writer of the session behind that was made with a tag. If it is not there, or
// can be had no more, that is shard.ErrNotFound, or shard.ErrExists when the ID is another's.
func (s *Store) reclaim(ctx context.Context, id, tag string) (replay.Writer, error) {
	w, err := s.leases.Acquire(ctx, id, s.lease(""))
	switch {
	case err == nil && w.Held().Note == tag:
		return w, nil
	case err == nil:
		if err := w.Release(ctx); err != nil && !isLost(err) {
			return nil, err
		}
		return nil, shard.ErrExists
	case errors.Is(err, replay.ErrHeld), errors.Is(err, shard.ErrFinished):
		return nil, shard.ErrExists
	}
	return nil, err
}

package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// ErrUnsupported means that a Store has no such optional interface, so that it cannot do what was asked. Nothing was done.
var ErrUnsupported = errors.New("replay: the store does not support this")

// A Finisher is a Store that can end the writing of a session: Append is shard.ErrFinished from then on, readers get what is left and
// then shard.ErrFinished. The session ends shard.Config.Linger later, or when it is terminated before. Finishing a finished session
// does nothing; an unknown or ended one is shard.ErrNotFound.
type Finisher interface {
	Finish(ctx context.Context, id string) error
}

// A Batcher is a Store that appends several events at once: under consecutive sequence numbers, visible at the same moment, or none of
// them. It copies es and returns the events as stored, in their order; the caller may use es again at once. Errors are those of
// Append, by the first event that causes one; ring.ErrDuplicateID also for an ID that comes twice in es, and ring.ErrEventTooLarge
// for more than a session may retain. With any error nothing is stored and no event is returned. No events at all are no error.
type Batcher interface {
	AppendAll(ctx context.Context, id string, es []ring.Event) ([]ring.Event, error)
}

// A Creator is a Store whose sessions may have a TTL and limits of their own. Errors are those of Create, and one that names the
// field for a limit that is out of range.
type Creator interface {
	CreateWith(ctx context.Context, o shard.Options) (string, error)
}

// A Claimer is a Store that remembers keys: Claim succeeds once for each key of a session, however many callers race, and is
// shard.ErrClaimed after that. Keys go with the session. A session that has claimed as many as it may is shard.ErrClaimLimit, an
// unknown or ended one shard.ErrNotFound. A claim is activity; one of a finished session is shard.ErrFinished.
type Claimer interface {
	Claim(ctx context.Context, id, key string) error
}

// A Positioner is a Reader that can name the place where it stands: just after the newest event that Next has returned, or where the
// reader began. The ID exists even where no event does, in an empty log too, and Position.LastEventID takes it as it takes an event's. It
// names no stream, so that a reader that begins there sees all of them. A place of which something has been dropped since is
// ring.ErrEvicted, as for an event.
type Positioner interface {
	PositionID() string
}

// Finish finishes a session, or returns ErrUnsupported where the Store is no [Finisher].
func Finish(ctx context.Context, s Store, id string) error {
	if f, ok := s.(Finisher); ok {
		return f.Finish(ctx, id)
	}
	return unsupported(s, "Finish")
}

// AppendAll appends es all at once, as [Batcher] says, or returns ErrUnsupported where the Store is none. A single event goes by Append.
func AppendAll(ctx context.Context, s Store, id string, es []ring.Event) ([]ring.Event, error) {
	if b, ok := s.(Batcher); ok {
		return b.AppendAll(ctx, id, es)
	}
	if len(es) != 1 {
		return nil, unsupported(s, "AppendAll")
	}
	stored, err := s.Append(ctx, id, es[0])
	if err != nil {
		return nil, err
	}
	return []ring.Event{stored}, nil
}

// CreateWith creates a session as o says. Where the Store is no [Creator], a TTL or a limit of the session's own is ErrUnsupported.
func CreateWith(ctx context.Context, s Store, o shard.Options) (string, error) {
	if c, ok := s.(Creator); ok {
		return c.CreateWith(ctx, o)
	}
	if o.TTL != 0 || o.Ring != (ring.Config{}) {
		return "", unsupported(s, "CreateWith with a TTL or limits")
	}
	return s.Create(ctx, o.ID, o.Metadata)
}

// Claim claims a key of a session, or returns ErrUnsupported where the Store is no [Claimer].
func Claim(ctx context.Context, s Store, id, key string) error {
	if c, ok := s.(Claimer); ok {
		return c.Claim(ctx, id, key)
	}
	return unsupported(s, "Claim")
}

func unsupported(s Store, method string) error {
	return fmt.Errorf("%w: %T has no %s", ErrUnsupported, s, method)
}

package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// ErrUnsupported means that a Store has no such optional interface, so that it cannot do what was
// asked. Nothing was done.
var ErrUnsupported = errors.New("replay: the store does not support this")

// A Finisher is a Store that can end the writing of a session: Append is shard.ErrFinished from
// then on, readers get what is left and then shard.ErrFinished. The session ends
// shard.Config.Linger later, or when it is terminated before. Finishing a finished session does
// nothing; an unknown or ended one is shard.ErrNotFound.
type Finisher interface {
	Finish(ctx context.Context, id string) error
}

// A Batcher is a Store that appends several events at once: under consecutive sequence numbers,
// visible at the same moment, or none of them. It copies es and returns the events as stored, in
// their order; the caller may use es again at once. Errors are those of Append. What is wrong with
// an event by itself, ring.ErrInvalidEvent or ring.ErrEventTooLarge, comes first, by the first
// event that causes one; then ring.ErrEventTooLarge for more than a session may retain; then
// ring.ErrDuplicateID, also for an ID that comes twice in es. With any error nothing is stored and
// no event is returned. No events at all are no error.
type Batcher interface {
	AppendAll(ctx context.Context, id string, es []ring.Event) ([]ring.Event, error)
}

// A Creator is a Store whose sessions may have a TTL and limits of their own. Errors are those of
// Create, and one that names the field for a limit that is out of range.
type Creator interface {
	CreateWith(ctx context.Context, o shard.Options) (string, error)
}

// A Claimer is a Store that remembers keys: Claim succeeds once for each key of a session, however
// many callers race, and is shard.ErrClaimed after that. Keys go with the session. A session that
// has claimed as many as it may is shard.ErrClaimLimit, an unknown or ended one shard.ErrNotFound,
// a finished one shard.ErrFinished. A key is 1 to shard.MaxClaimBytes bytes of UTF-8, else
// shard.ErrInvalidClaim. A claim is activity, a refused one is not.
type Claimer interface {
	Claim(ctx context.Context, id, key string) error
}

// A Positioner is a Reader that can name the place where it stands: just after the newest event
// that Next has returned, or where the reader began. The ID exists even where no event does, in an
// empty log too, and Position.LastEventID takes it as it takes an event's. It names no stream, so
// that a reader that begins there sees all of them. A place of which something has been dropped
// since is ring.ErrEvicted, as for an event.
type Positioner interface {
	PositionID() string
}

// A Leaser is a Store in which one process at a time can be the only writer of a session, such as
// one that keeps it in memory in front of the Store. The writer gives events their sequence numbers
// and IDs itself, and renews its lease; when it has not done so in time, another one may take the
// session over. From then on the Store refuses the first, however long it was paused: it goes by a
// token that grows with each take-over, and not by the writer's clock.
//
// While a lease runs, Append, AppendAll, Update and Finish of the Store itself are ErrHeld.
// Everything else is open to everybody: Info, Open, Touch, Claim and Terminate. Once a lease has
// run out or was released they work again, and whichever of them comes first takes the session from
// the writer that had it.
type Leaser interface {
	// Acquire makes the caller the writer of a session that is active. One that another holder has,
	// whose lease is still running, is a *HeldError; the same holder gets it again at once, and
	// Writers that it had before are fenced. Errors beside that: shard.ErrNotFound,
	// shard.ErrFinished, and one that names the field of l that is out of range.
	Acquire(ctx context.Context, id string, l Lease) (Writer, error)

	// CreateHeld creates a session as [Creator] does, with the caller as its writer from the
	// beginning. An ID whose session has expired is free to whoever gives the Note that was kept
	// with it, unless that is empty, though others must wait until Linger is over: the writer's
	// session goes on, and only what was stored of it has expired.
	CreateHeld(ctx context.Context, o shard.Options, l Lease) (Writer, error)
}

// A Lease is what a writer asks for.
type Lease struct {
	Holder string        // names the process, for others to see: 1 to 128 bytes
	Term   time.Duration // how long it runs from when the Store grants it, unless it is renewed: 100 ms to 1 hour
	// Note is up to 256 bytes that the Store keeps with the session, if it has none yet, and tells
	// to everyone who acquires it.
	Note string
	// Claims are keys that are claimed in a session that CreateHeld makes, as many as there are:
	// those of a session that goes on in a new copy. See Claimer.
	Claims []string
}

// Held is what a writer was told when it got a session.
type Held struct {
	// Incarnation tells this session from all others that have or had its ID: it is never given
	// twice.
	Incarnation string
	Token       uint64 // larger than that of any writer before
	Note        string // that the session keeps, see Lease
	// Options are the session's ID, TTL and limits, zero where they are the Store's own, and its
	// metadata as it is now.
	Options     shard.Options
	First, Last uint64 // of the events that are stored, as in ring.Stats
	// Claims are the keys that were claimed when the writer got the session, in no order. Nobody
	// may change them.
	Claims []string
}

// A Writer is the only writer of one session for as long as its lease runs, and after that until
// somebody else takes the session. It is safe for concurrent use. ErrFenced from any method means
// that somebody has, and shard.ErrNotFound that this incarnation of the session has ended: both are
// for good, also when there is another session with the same ID. Any other error leaves the Writer
// as it was, and leaves open whether the call took effect; all calls can be repeated.
type Writer interface {
	// Held returns what the writer was told in the beginning.
	Held() Held

	// Append stores copies of es, all or none, with the Seq, ID and Time that they have; none of
	// which may be zero. Sequences must follow on each other. Those that are stored already are
	// skipped, as this writer or one before it must have stored them; a first one that is beyond
	// the newest stored one and 1 is a *MissingError, and then nothing is stored. An ID that is
	// retained belongs to the newer event from then on, for what is a duplicate was decided by the
	// writer. Other errors are those of AppendAll. It is activity.
	Append(ctx context.Context, es []ring.Event) error

	// Restart drops all events, as if they were evicted, and makes next, at least 1 and beyond the
	// newest stored sequence, the next sequence: for a writer that no longer has what is missing,
	// or has a session that goes on in a new copy.
	Restart(ctx context.Context, next uint64) error

	// Update is that of the Store, and activity.
	Update(ctx context.Context, change func(*shard.Metadata)) error

	// Finish and Terminate are those of the Store, for the writer alone.
	Finish(ctx context.Context) error
	Terminate(ctx context.Context) error

	// Renew makes the lease run for another term from now. It works also when the lease has run out
	// and nobody has taken the session. It is activity, as a writer renews a lease for a session
	// that lives in its process.
	Renew(ctx context.Context) error

	// Release gives the lease back, so that others need not wait. The Writer is fenced from then
	// on.
	Release(ctx context.Context) error
}

var (
	// ErrHeld means that a writer has a lease on the session: see [Leaser]. It comes as a
	// *HeldError where the Store knows more.
	ErrHeld = errors.New("replay: another writer holds the session")

	// ErrFenced means that a [Writer] has lost its session to somebody else, for good.
	ErrFenced = errors.New("replay: the session was taken over")

	// ErrMissing means that events are missing between what is stored and what was to be: it comes
	// as a *MissingError.
	ErrMissing = errors.New("replay: events are missing")
)

// A HeldError is ErrHeld, with who holds the session and how long that lease still runs.
type HeldError struct {
	ID, Holder string
	Left       time.Duration
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%v: session %.64q is held by %.128q for another %v", ErrHeld, e.ID, e.Holder, e.Left)
}
func (e *HeldError) Unwrap() error { return ErrHeld }

// A MissingError is ErrMissing, with the sequence of the newest event that is stored: the next one
// must be Last and 1.
type MissingError struct{ Last, Next uint64 }

func (e *MissingError) Error() string {
	return fmt.Sprintf("%v: sequence %d does not follow %d, the newest that is stored", ErrMissing, e.Next, e.Last)
}
func (e *MissingError) Unwrap() error { return ErrMissing }

// A Limiter is a Store that tells which limits its sessions have unless their creator says
// otherwise.
type Limiter interface {
	Limits() ring.Config // no limit is zero
}

// Finish finishes a session, or returns ErrUnsupported where the Store is no [Finisher].
func Finish(ctx context.Context, s Store, id string) error {
	if f, ok := s.(Finisher); ok {
		return f.Finish(ctx, id)
	}
	return unsupported(s, "Finish")
}

// AppendAll appends es all at once, as [Batcher] says, or returns ErrUnsupported where the Store is
// none. A single event goes by Append.
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

// CreateWith creates a session as o says. Where the Store is no [Creator], a TTL or a limit of the
// session's own is ErrUnsupported.
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

// Limits returns the limits of a session that was created without any of its own, or false where
// the Store is no [Limiter].
func Limits(s Store) (ring.Config, bool) {
	if l, ok := s.(Limiter); ok {
		return l.Limits(), true
	}
	return ring.Config{}, false
}

func unsupported(s Store, method string) error {
	return fmt.Errorf("%w: %T has no %s", ErrUnsupported, s, method)
}

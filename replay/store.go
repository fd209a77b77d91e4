package replay

import (
	"context"
	"errors"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// ErrClosed is what a [Reader] of this package answers after Close.
var ErrClosed = errors.New("replay: reader closed")

// A Store is where sessions and their events live. [Local] keeps them in this process; other
// implementations share them between processes.
//
// The methods below are all there will ever be: third parties implement them. Whatever comes later
// is an optional interface.
//
// All methods are safe for concurrent use. Errors wrap the sentinels of packages shard and ring, so
// that errors.Is tells them apart on every Store: shard.ErrNotFound for a session that is unknown,
// terminated or expired, and the ones named at each method. Any other error means that the Store
// cannot tell at the moment; the caller may try again. A method that may block returns ctx's error
// once ctx has ended.
type Store interface {
	// Create makes a session and returns its ID; an empty id asks for a new one that cannot be
	// guessed. An ID that is taken is shard.ErrExists, a malformed one shard.ErrInvalidID, and a
	// limit that has been reached shard.ErrSessionLimit. The Store copies md.
	Create(ctx context.Context, id string, md shard.Metadata) (string, error)

	// Info describes a session. A Store may describe a session for a while after its end: Status
	// tells. Every change that an earlier call made is visible.
	Info(ctx context.Context, id string) (shard.Info, error)

	// Update changes a session's metadata and counts as activity. change runs on a copy, possibly
	// more than once, and must not call the Store. A change of Principal is shard.ErrPrincipal, and
	// then nothing is changed.
	Update(ctx context.Context, id string, change func(*shard.Metadata)) error

	// Touch counts as activity: it puts the session's expiry off.
	Touch(ctx context.Context, id string) error

	// Terminate ends a session. No Append succeeds after it has returned, and its readers end with
	// shard.ErrNotFound after the last stored event. It is idempotent: unknown and ended sessions
	// are no error.
	Terminate(ctx context.Context, id string) error

	// Append stores a copy of e and returns it as stored, with Seq, ID and Time assigned; the
	// caller may use e.Data again at once. It never creates a session. An ID that is retained is
	// ring.ErrDuplicateID together with the retained event. Other refusals, in this order:
	// shard.ErrNotFound, shard.ErrFinished, ring.ErrInvalidEvent, ring.ErrEventTooLarge,
	// (ring.ErrDuplicateID,) shard.ErrOverBudget. An event is visible to every reader once Append
	// has returned.
	Append(ctx context.Context, id string, e ring.Event) (ring.Event, error)

	// Open attaches a reader to a session, which must be closed. ctx is for opening only. A
	// LastEventID that is known to be dropped is ring.ErrEvicted, any other that is not retained
	// ring.ErrUnknownID: never an empty or a full replay instead. A session that has finished can
	// still be opened. A limit on open readers is shard.ErrAttachLimit.
	Open(ctx context.Context, id string, at Position) (Reader, error)
}

// A Position is where a reader begins and which streams it sees. The zero Position is everything
// retained, on every stream, and then what comes.
//
// LastEventID alone sees the stream of that event and no other, as MCP asks of a resumed stream;
// All or Streams widen or change that. It takes the ID of a place too, as a [Positioner] names it,
// which has no stream, so that all are seen; the place before the first event of all gives
// everything or ring.ErrEvicted. All takes precedence over Streams, and LastEventID over Live.
type Position struct {
	LastEventID string   // begin just after this event and see its stream; unknown or evicted is an error from Open
	Live        bool     // without LastEventID: begin after the newest event
	All         bool     // see every stream, also after LastEventID
	Streams     []string // see these streams; empty: not restricted. The Store copies it
}

// A Reader reads one session's events in order, each exactly once, from a [Position] on: first what
// is stored, then what comes. It holds the session open (attached: it does not expire) until Close.
// One goroutine at a time uses a Reader, and nobody waits for it: a reader that is slower than the
// session's retention fails with ring.ErrEvicted and slows no writer down.
type Reader interface {
	// Next fills e with the next event and returns true, or returns false: nothing is ready now, or
	// the reader has ended and Err says why. It does not block. The event stays valid for ever; its
	// Data is shared and must not be written to. What e holds after false is undefined.
	Next(e *ring.Event) bool

	// Err is nil as long as Next may return true again, and from then on the reason why it never
	// will: ring.ErrEvicted when events were dropped before they could be read, shard.ErrFinished
	// or shard.ErrNotFound when the session has finished or ended and every event stored before
	// that has been read. Next and Wait set it.
	Err() error

	// Wait blocks until Next has something to say, an event or a reason to end, and returns nil; or
	// until ctx ends, and returns ctx's error; or until it can no longer tell, and returns why. It
	// returns nil at once when there is something to say already, whatever ctx. Events of streams
	// that the reader does not see do not count.
	Wait(ctx context.Context) error

	// Close detaches from the session. It is idempotent; afterwards Next returns false and Err is
	// not nil.
	Close()
}

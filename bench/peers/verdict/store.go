// Package verdict puts Reprise and the released alternatives through one list of correctness cases,
// from the outside, and says who passes which. cmd/verdict prints the table.
//
// What is fair: each subject is used as its documentation says, through its own public API and with
// the parts that belong to it (a FiniteReplayer below a Joe, an EventLog inside its Server, a
// memory broker under a Node). A case that a subject has no notion of is not applicable, with the
// reason; so is one that is somebody else's business by design. Each case cites the specification
// or documentation that asks for it. A defect counts where it is the subject of a case, and other
// cases look past it where they can.
package verdict

import (
	"context"
	"time"
)

// A Store is a subject at work. It is safe for concurrent use.
type Store interface {
	// Open makes a stream of a session ready for use.
	Open(session, stream string) error
	// Append stores data as the newest event of the stream. It returns the ID that a client sends
	// back in Last-Event-ID. Subjects whose producers bring IDs take ownID, those that leave it to
	// them do so with Limits.OwnIDs, and the others ignore it.
	Append(session, stream, ownID, data string) (id string, err error)
	// Resume hands what is stored to a client that comes back to the stream with lastEventID, and
	// returns when that is all, or with the error that the client, or the server in front of it, is
	// told.
	Resume(session, stream, lastEventID string, got func(id, data string)) error
	// End ends the session.
	End(session string) error
	Close()
}

// A Follower is a Store that also goes on with live events, from one call, until ctx ends.
type Follower interface {
	Follow(ctx context.Context, session, stream, lastEventID string, got func(id, data string)) error
}

// Limits are what a Store is opened with, where it has such limits.
type Limits struct {
	Events     int // that a session retains
	EventBytes int // of data in each, for subjects that are bounded in bytes
	TTL        time.Duration
	OwnIDs     bool // the producers' IDs matter in this case
}

// A Subject is a kind of Store.
type Subject struct {
	Name  string
	Used  string // which parts of it, and how
	Open  func(Limits) (Store, error)
	Lacks map[string]string // by case: why it does not apply
	Says  map[string]string // by case: what its own documentation says about how it fails
}

// Subjects lists all, Reprise first.
func Subjects() []Subject {
	return []Subject{reprise, goSDK, mcpGo, goSSEAuto, goSSEOwn, r3labs, centrifuged}
}

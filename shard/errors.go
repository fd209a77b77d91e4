package shard

import (
	"errors"
	"fmt"

	"github.com/reprise-go/reprise/ring"
)

// Errors are returned wrapped, with the value that they are about: use errors.Is. The ones of
// package ring pass through unchanged.
var (
	// ErrNotFound means that there is no such session, whether it was never there or has ended.
	ErrNotFound = errors.New("shard: session not found")
	// ErrExists means that the ID is taken, by an active session or by an ended one that lingers.
	ErrExists = errors.New("shard: session exists")
	// ErrInvalidID means that a session ID is not 1 to 128 bytes of 0x21 to 0x7E.
	ErrInvalidID = errors.New("shard: invalid session ID")
	// ErrSessionLimit means that Config.MaxSessions or Config.MaxPerPrincipal sessions are active.
	ErrSessionLimit = errors.New("shard: too many sessions")
	// ErrAttachLimit means that Config.MaxAttached readers are attached to the session.
	ErrAttachLimit = errors.New("shard: too many readers")
	// ErrMetadataTooLarge means that metadata takes more than MaxMetadataBytes.
	ErrMetadataTooLarge = errors.New("shard: metadata too large")
	// ErrInvalidMetadata means that metadata holds text that is not UTF-8; the error names where.
	ErrInvalidMetadata = errors.New("shard: invalid metadata")
	// ErrNestedUpdate means that Update was called from inside a function that was given to Update.
	ErrNestedUpdate = errors.New("shard: Update inside Update")
	// ErrPrincipal means that a session belongs to somebody else.
	ErrPrincipal = errors.New("shard: wrong principal")
	// ErrFinished means that the session takes no more events.
	ErrFinished = errors.New("shard: session finished")
	// ErrClaimed means that the key was claimed before.
	ErrClaimed = errors.New("shard: already claimed")
	// ErrInvalidClaim means that a key to claim is not 1 to MaxClaimBytes bytes of UTF-8.
	ErrInvalidClaim = errors.New("shard: invalid claim")
	// ErrClaimLimit means that the session has claimed Config.MaxClaims keys.
	ErrClaimLimit = errors.New("shard: too many claims")
	// ErrClosed means that the Manager is closed.
	ErrClosed = errors.New("shard: manager closed")
	// ErrOverBudget means that an event does not fit into Config.MaxBytes, whatever else of its
	// session is evicted.
	ErrOverBudget = ring.ErrOverBudget
)

// about wraps a sentinel with the ID or the key that it is about.
func about(err error, id string) error { return &idError{err, id} }

// An idError is formatted when somebody asks for its text: whoever looks for sessions that are not
// there costs one allocation, however long the ID is.
type idError struct {
	err error
	id  string
}

func (e *idError) Error() string { return fmt.Sprintf("%v: %q", e.err, cut(e.id)) }

func (e *idError) Unwrap() error { return e.err }

// A limitError says which limit is reached.
type limitError struct {
	err       error
	most      int
	principal bool // it is one principal's
}

func (e *limitError) Error() string {
	if e.principal {
		return fmt.Sprintf("%v: the limit of %d for one principal is reached", e.err, e.most)
	}
	return fmt.Sprintf("%v: the limit of %d is reached", e.err, e.most)
}

func (e *limitError) Unwrap() error { return e.err }

// cut shortens an ID for an error message: IDs come from outside.
func cut(id string) string {
	const shown = 64
	if len(id) <= shown {
		return id
	}
	return id[:shown] + "…"
}

package shard

import (
	"errors"
	"fmt"
)

// # The format of a snapshot
//
// A snapshot is a header and frames.
//
//	header   "reprise\n" and the version, 1, as a 4-byte little-endian number
//	frame    kind (1 byte), length of the payload (uvarint), payload, checksum (8 bytes,
//	         little-endian)
//
// The checksum is xxh3 of the payload, seeded with xxh3 of kind and length, which is seeded with
// the checksum of the frame before, and for the first frame with xxh3 of the header. So a frame
// that was changed, left out, repeated or moved is found where that happened. What ends before the
// frame of kind 'Z' is truncated.
//
// The frames, in this order; numbers are uvarints, durations are nanoseconds, texts are a length
// and their bytes:
//
//	'S'  a session: its ID, created (Unix nanoseconds, 8 bytes), time since its last activity,
//	     flags, TTL (with flagTTL), time since Finish (with flagFinished), transport, principal,
//	     ClientInfo as JSON ("" for none), MaxEvents, MaxBytes, MaxEventBytes and MaxIDBytes (with
//	     flagRing), the log's tag, the sequence before its oldest event, the number of its events
//	     and of its claims
//	'E'  events of that session, in order, until the frame ends. Each: flags, ID (without
//	     flagAssigned), stream, type, time (Unix nanoseconds, 8 bytes), data
//	'C'  claims of that session, each a text, until the frame ends
//	'Z'  the end: the number of sessions
const (
	snapshotMagic   = "reprise\n"
	snapshotVersion = 1
	headerBytes     = len(snapshotMagic) + 4

	frameSession = 'S'
	frameEvents  = 'E'
	frameClaims  = 'C'
	frameEnd     = 'Z'

	// Of a session.
	flagTTL      = 1 << 0 // it has a TTL of its own; without, that of Config
	flagFinished = 1 << 1
	flagRing     = 1 << 2 // its log has limits of its own
	flagStrict   = 1 << 3 // with flagRing: and StrictIDs
	flagsSession = flagTTL | flagFinished | flagRing | flagStrict

	// Of an event.
	flagAssigned = 1 << 0 // its ID is the tag and its sequence number
)

// ErrSnapshot means that what Load was given is not a whole, unchanged snapshot of a version that
// it knows.
var ErrSnapshot = errors.New("shard: not a valid snapshot")

// A LoadError says where in a snapshot Load failed, and why. Err is ErrSnapshot, wrapped with what
// is wrong; or the error of the reader or the context; or the one with which the Manager refused
// what the snapshot holds, such as ErrSessionLimit.
type LoadError struct {
	Offset  int64  // in bytes, of the frame that could not be loaded
	Session string // that the frame belongs to; "" when none is known
	Err     error
}

func (e *LoadError) Error() string {
	if e.Session == "" {
		return fmt.Sprintf("shard: Load: at byte %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("shard: Load: at byte %d, session %q: %v", e.Offset, cut(e.Session), e.Err)
}

func (e *LoadError) Unwrap() error { return e.Err }

// damaged is an ErrSnapshot with what is wrong.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSnapshot, fmt.Sprintf(format, args...))
}

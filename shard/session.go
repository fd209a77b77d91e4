package shard

import (
	"sync/atomic"
	"unsafe"

	"github.com/reprise-go/reprise/internal/wheel"
	"github.com/reprise-go/reprise/ring"
)

// A Session is one client's event log and what is known of the client. All methods are safe for
// concurrent use. Once the session has ended they return [ErrNotFound], or nothing; keeping the
// pointer keeps no events alive.
type Session struct {
	// What Append uses comes first, on two cache lines. state is written by everybody, see there;
	// log is discarded when the session has ended and no reader is attached; the others are never
	// written.
	log       ring.Ring
	state     atomic.Uint64
	home      *shard
	idleLimit int64 // ns without activity after which the session ends: TTL and grace; math.MaxInt64: never

	attached atomic.Int32  // readers; see state
	misc     atomic.Uint32 // queued | length of the ID, which is never written
	idData   *byte         // where the ID begins
	created  int64         // reading
	// reading at which phase active was left; 0 before; set once, by the first who needs it
	left     atomic.Int64
	metadata atomic.Pointer[metadata]      // nil: empty; replaced by Update and, at the end, by finalMetadata
	optional atomic.Pointer[optional]      // nil until it is needed
	done     atomic.Pointer[chan struct{}] // nil until somebody asks; home.m.closedChan when end has done its work

	next  *Session              // in the shard's intake; written by whoever set queued in misc, then by the driver
	timer wheel.Timer[*Session] // the driver's
}

// queued is the bit of Session.misc that says that the session is in the shard's intake. Whoever
// puts it there sets the bit, and the driver clears it.
const queued = 1 << 31

// readable returns the session's log, or nil once it has let go of its events.
func (s *Session) readable() *ring.Ring {
	if s.log.IsDiscarded() {
		return nil
	}
	return &s.log
}

// ID returns the session's ID.
func (s *Session) ID() string { return unsafe.String(s.idData, int(s.misc.Load()&^queued)) }

// Done returns a channel that is closed when the session has ended. Finish alone does not end it.
func (s *Session) Done() <-chan struct{} {
	for {
		if c := s.done.Load(); c != nil {
			return *c
		}
		c := make(chan struct{})
		s.done.CompareAndSwap(nil, &c)
	}
}

// Package ring is one session's event log: a lock-free ring of fixed capacity with an index from
// event ID to sequence number.
//
// Any number of goroutines append and read at once. Appending is lock-free, reading is wait-free,
// and positioning a reader after an event ID takes the same time however many events are retained.
package ring

import "time"

// An Event is one entry of the log.
type Event struct {
	Seq    uint64    // position in the log: 1, 2, 3, …; assigned by Append
	ID     string    // SSE id, unique among the retained events; assigned by Append when empty; see Config
	Stream string    // logical stream inside the session; "" is the default stream
	Type   string    // SSE event name
	Data   []byte    // payload; read-only in returned events
	Time   time.Time // when it was stored; assigned by Append when zero
}

// Size is what an event counts against MaxEventBytes: the bytes of its ID, Stream, Type and Data.
func (e Event) Size() int { return len(e.ID) + len(e.Stream) + len(e.Type) + len(e.Data) }

// Overhead is what a stored event counts against MaxBytes beyond its Size, in bytes, so that empty
// events are bounded too.
const Overhead = 64

// MaxIDBytes bounds an event's Stream and Type, each, and its ID where Config.MaxIDBytes does not
// say otherwise.
const MaxIDBytes = 256

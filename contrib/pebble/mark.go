package pebble

import (
	"encoding/binary"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
)

// A mark begins every batch. It is in the log only, and says what was synced before the batch was
// made: so whoever finds one behind something that cannot be read knows whether that was torn off
// or was altered; see logtail.go. Pebble's own chunks say how far their log was synced too, but
// count only what is in a block of 32 KiB that is not full yet: the larger events are, the less of
// a log they vouch for (2.1.7, found with TestFlippedBit).
type mark struct {
	nonce  uint64 // of the process that writes: an event cannot hold a mark of the log that it is in
	synced uint64 // what Pebble numbers below it was on disk
}

const (
	markLen   = 8 + 8
	markedLen = batchrepr.HeaderLen + 1 + 1 + markLen // bytes of a batch with its mark: LogData, length
)

func (m mark) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, m.nonce)
	return binary.LittleEndian.AppendUint64(dst, m.synced)
}

// A batchHead is how a batch in the log begins: the numbers that Pebble gave to what it writes, and
// the mark.
type batchHead struct {
	first, next uint64
	mark        mark
}

// headOf reads a batch's head. It reports whether b begins with one that has a mark.
func headOf(b []byte) (batchHead, bool) {
	h, ok := batchrepr.ReadHeader(b)
	if !ok {
		return batchHead{}, false
	}
	ops := batchrepr.Read(b[:min(len(b), markedLen)])
	kind, data, _, ok, err := ops.Next()
	if !ok || err != nil || kind != engine.InternalKeyKindLogData || len(data) != markLen {
		return batchHead{}, false
	}
	m := mark{binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])}
	return batchHead{uint64(h.SeqNum), uint64(h.SeqNum) + uint64(h.Count), m}, true
}

package pebble

import (
	"encoding/binary"
	"hash/crc32"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
)

// A mark begins every batch. It is in the log only, and says what was synced before the batch was
// made: so whoever finds one behind something that cannot be read knows whether that was torn off
// or was altered; see logcheck.go. Pebble's own chunks say how far their log was synced too, but
// count only what is in a block of 32 KiB that is not full yet: the larger events are, the less of
// a log they vouch for (2.1.7, found with TestFlippedBit).
type mark struct {
	run    uint64 // of the Store: a random number, another one for each Open
	number uint64 // of the batch: 1 for the first of a run, and one more for each, in the order of the log
	synced uint64 // the batch of this number, and all before it, were on disk; 0: none
}

// An event cannot hold a mark of the directory that it is in: each mark begins with a number that
// only the directory knows.
const (
	markLen   = 8 + 8 + 8 + 8 + 4           // that number, the three of a mark, and a checksum
	markAt    = batchrepr.HeaderLen + 1 + 1 // in a batch, behind what says that it is LogData, and its length
	markedLen = markAt + markLen            // bytes of a batch that has nothing else
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (m mark) append(dst []byte, directory uint64) []byte {
	from := len(dst)
	for _, n := range []uint64{directory, m.run, m.number, m.synced} {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[from:], castagnoli))
}

// markOf returns the mark of a batch, of which b is the beginning. It reports whether there is one.
func markOf(b []byte, directory uint64) (m mark, ok bool) {
	if len(b) < markedLen || b[markAt-2] != byte(engine.InternalKeyKindLogData) || b[markAt-1] != markLen {
		return mark{}, false
	}
	b = b[markAt:markedLen]
	n := func(i int) uint64 { return binary.LittleEndian.Uint64(b[i*8:]) }
	sum := binary.LittleEndian.Uint32(b[markLen-4:])
	ok = n(0) == directory && sum == crc32.Checksum(b[:markLen-4], castagnoli)
	return mark{n(1), n(2), n(3)}, ok
}

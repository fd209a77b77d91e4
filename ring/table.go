package ring

import (
	"math"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/reprise-go/reprise/internal/step"
)

// A table holds the slots of a ring and the index of its IDs. The slot of sequence n is n modulo the number of slots, which is a power of two
// above the number of events retained: so the slot that the next event claims never holds one that is visible.
//
// A slot's word is 0 at first, then the record of the sequence that claimed it, lap after lap. It says in which lap, in which place of
// the directory and at which offset, so that no two events share a word however often the ring goes round: with 2^n slots a lap needs
// 40-n bits, and the places may be 2^(9+n).
//
// A table that is too small, or lacks an index, is replaced: somebody freezes the slot of the next sequence, which stops all claims; then the
// table does not change any more (late helpers may put dead entries over dead ones), everybody who comes across the frozen slot copies what is
// retained, and one of the copies takes the table's place.
type table struct {
	slots  []slot        // written by claims, by their owners, and by freeze
	index  []bucket      // nil until a producer brings an ID of its own; written by insert
	lost   atomic.Uint64 // the newest sequence whose ID found no place in the index; written by insert
	log    uint8         // of len(slots)
	mask   uint32        // the number of places that a word can name, less one
	most   uint64        // while fewer are retained, another event fits
	sealed bool          // the ring has been released: no more growth
}

// lapShift is where the lap begins in a word. Masking a shift count, here and below, spares the compiler the code for counts above 63.
func (t *table) lapShift() uint8 { return (placeBase + offsetBits + t.log) & 63 }

// A slot belongs to a sequence, lap after lap.
//
// sum is a hint: sequence<<sumBits | what all events up to that one have cost together, modulo 1<<sumBits. It spares an append that evicts
// the look at two records, each a cache line or two away from everything else. The owner of the event writes it after the claim, maybe late,
// maybe over a newer one; a reader takes it for what it says if it names the sequence that the reader wants, and looks at the record
// otherwise. It is used where retained bytes fit in sumBits.
type slot struct {
	word atomic.Uint64 // see table
	sum  atomic.Uint64
}

const slotBytes = 16

const (
	sumBits    = 24
	offsetBits = 15         // in units of 8 bytes: chunks that events share are at most 256 KiB
	placeBase  = 9          // a table of 2^n slots can name 2^(placeBase+n) places
	frozen     = ^uint64(0) // no record begins in the last unit of a chunk
	firstLog   = 3
)

// noTable is the table of a ring without events. Its one slot is frozen for ever.
var noTable = func() (t table) {
	t.slots = make([]slot, 1)
	t.slots[0].word.Store(frozen)
	return
}()

func (t *table) slot(seq uint64) *slot { return &t.slots[seq&uint64(len(t.slots)-1)] }

// word is what the slot of seq holds when its record is at that place and offset.
func (t *table) word(seq uint64, place, unit uint32) uint64 {
	return seq>>(t.log&63)<<t.lapShift() | uint64(place)<<offsetBits | uint64(unit)
}

// holds reports whether word w, found in the slot of seq, is the record of seq and not of another lap.
func (t *table) holds(w, seq uint64) bool {
	return w>>t.lapShift() == seq>>(t.log&63) && w != 0 && w != frozen
}

// mayHold reports whether w needs another look before the slot of seq is claimed: it may be claimed already, or frozen.
func (t *table) mayHold(w, seq uint64) bool {
	return w>>t.lapShift() == seq>>(t.log&63) || w == frozen
}

func (t *table) place(w uint64) uint32 { return uint32(w>>offsetBits) & t.mask }
func unitOf(w uint64) uint32           { return uint32(w & (1<<offsetBits - 1)) }

func (t *table) bytes() int64 {
	if t.log == 0 { // noTable, or a sealed copy of it
		return 0
	}
	return int64(64 + 16*len(t.slots) + 64*len(t.index))
}

// sealedCopy returns the same table, unable to grow.
func (t *table) sealedCopy() *table {
	s := &table{slots: t.slots, index: t.index, log: t.log, mask: t.mask, most: t.most, sealed: true}
	s.lost.Store(t.lost.Load())
	return s
}

// fits reports whether the event after tail can be claimed in t. The slots must outnumber the events that will be visible, so that
// the slot after them can still be frozen without losing one.
func (r *Ring) fits(t *table, tail uint64) bool {
	if tailCount(tail) >= t.most {
		return false
	}
	return t.index != nil || r.flags.Load()&flagOwnIDs == 0
}

// grow replaces t, which is too small or frozen, unless somebody else does. It returns with nothing changed when
// the ring is closed or has moved on: the caller starts again from the tail.
func (r *Ring) grow(t *table) {
	tail := r.tail.Load()
	if tail&tailClosed != 0 || t.sealed {
		return
	}
	slot := t.slot(tailSeq(tail) + 1)
	w := slot.word.Load()
	if r.table.Load() != t || r.tail.Load() != tail {
		return
	}
	if w != frozen {
		if t.holds(w, tailSeq(tail)+1) {
			r.help(tail, t, w)
			return
		}
		if !slot.word.CompareAndSwap(w, frozen) {
			return
		}
	}
	step.At(step.Frozen)
	// The slot was frozen while tail was the tail of the table in use: the tail stands still until another table takes over, but for its closed bit.
	next := r.copyTable(t, tail)
	step.At(step.Copied)
	if r.table.CompareAndSwap(t, next) {
		r.slots.Store(uintptr(unsafe.Pointer(&next.slots[0])) | uintptr(next.log))
		r.account(next.bytes() - t.bytes())
	}
}

// copyTable makes a table with room for one more event than tail retains, and copies these.
func (r *Ring) copyTable(t *table, tail uint64) *table {
	log := max(firstLog, t.log)
	if tailCount(tail) >= t.most {
		log = max(firstLog, t.log+1)
	}
	if need := bits.Len(uint(len(r.dir.Load().chunks))); need > placeBase+int(log) {
		log = uint8(need - placeBase)
	}
	next := &table{log: log, mask: 1<<(placeBase+log) - 1, slots: make([]slot, 1<<log)}
	next.most = uint64(len(next.slots) - 1)
	if len(next.slots) > int(r.group.maxEvents) {
		next.most = math.MaxUint64
	}
	if r.flags.Load()&flagOwnIDs != 0 {
		next.index = newIndex(len(next.slots))
	}
	first := tailFirst(tail)
	next.slot(first - 1).sum.Store(t.slot(first - 1).sum.Load())
	for seq := first; seq <= tailSeq(tail); seq++ {
		from, to := t.slot(seq), next.slot(seq)
		w := from.word.Load()
		to.word.Store(next.word(seq, t.place(w), unitOf(w)))
		to.sum.Store(from.sum.Load())
	}
	r.copyIndex(t, next, tail)
	return next
}

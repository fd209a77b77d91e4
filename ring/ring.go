package ring

import (
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/step"
)

// A Ring is one session's event log. All methods are safe for concurrent use. The zero Ring is not
// ready: see New.
//
// What always holds, at every instant and under any interleaving:
//  1. Published sequence numbers are contiguous: if n is visible, so is every retained event before
//     n.
//  2. An event that a reader can see can also be found by its ID.
//  3. A reader gets a whole event or an error, never bytes of two events.
//  4. A stalled or killed writer blocks neither readers nor other writers: appending is lock-free,
//     reading wait-free.
//  5. Memory is bounded by Config, plus a constant, plus what readers still hold, and grows with
//     what is retained.
//  6. The events of one AppendAll become visible together.
type Ring struct {
	word  atomic.Uint64             // see wordOf; written by owners, settle and Close
	cur   atomic.Pointer[page]      // holds the newest event; written by settle and Discard
	group *Group                    // never written once somebody else has the ring
	dir   atomic.Pointer[directory] // the other pages, and the index; written by settle and Discard
	prop  atomic.Pointer[proposal]  // what is being proposed; written by propose and settle
	// who waits for the next event; written by Wait, taken by who publishes and by Close
	wake  atomic.Pointer[waiters]
	books atomic.Int64 // heap bytes of pages and directory <<bookBits | flags; see account
	tag   [tagLen]byte // of assigned IDs; immutable
}

// # The protocol
//
// Events lie in pages (page.go). The state word says which event is the newest, and whether
// somebody owns the ring. There are two ways to append.
//
// As the owner (append.go): one swap of the word makes a goroutine the owner, another one publishes
// and gives the ring free, as a lock would be taken and released. In between the owner writes the
// event behind the newest one, which nobody reads yet, and its index entry. It changes nothing
// else: no pointer, no counter.
//
// By a proposal (proposal.go): whatever the owner cannot do is proposed: a new page, a larger
// directory, a larger index, and overtaking an owner that does not get on. A proposal is complete:
// a new page with the event in it, and all that changes. It is made known, then the word is sealed,
// which takes the ring from its owner for good, and then any goroutine that meets the sealed ring
// puts the proposal in place.
//
// Why a goroutine that slept for however long does no harm: the word never takes the same value
// twice, for each sequence number goes only from idle to busy to the next one's idle, or from idle
// or busy to sealed to the next one's idle, and Close sets a bit that stays. cur and dir are
// swapped from what a sealed proposal names to objects that are new. So a late swap of any of them
// fails.
//
// What is read of a ring is read in this order: word, cur, dir. Then cur and dir are at least as
// new as the word, and hold every event that was retained under it and is still retained.
//
// Compare: Harris and Fraser, Revocable Locks for Non-Blocking Programming, PPoPP 2005.

// The state word: the newest visible sequence, what helps to ask for memory early, and who may
// write.
//
// A bit each says that the ring is closed; that it is busy: an owner writes the next event; that it
// is sealed: the next event is that of the proposal for it, and no owner's. It is idle when it is
// neither busy nor sealed, and never both.
const (
	closedBit = 1
	busyBit   = 2
	sealedBit = 4
	stateBits = closedBit | busyBit | sealedBit

	nextSlotShift = 3 // the number of the slot that the next event takes in cur, cut off at nextSlotBits
	nextSlotBits  = 9
	nextLineShift = nextSlotShift + nextSlotBits // the cache line of cur in which it begins, cut off at nextLineBits
	nextLineBits  = 12
	seqShift      = nextLineShift + nextLineBits
)

// wordOf returns the idle word for the newest sequence seq; the next event takes that slot of cur
// and begins off bytes into it.
func wordOf(seq, slot, off uint64) uint64 {
	return seq<<seqShift | off>>6&(1<<nextLineBits-1)<<nextLineShift | slot&(1<<nextSlotBits-1)<<nextSlotShift
}

func seqOf(word uint64) uint64 { return word >> seqShift }

// A view is what one goroutine knows of a ring: what was retained when newest was the newest event.
// newest 0, or no event: first is newest+1.
type view struct {
	newest, first uint64
	cur           *page
	dir           *directory
	slot          *slot // of newest; nil when nothing is retained
}

// look returns the newest view. It starts again when the newest event is evicted while it looks. A
// discarded ring retains nothing.
func (r *Ring) look() (v view) {
	for {
		v.newest = seqOf(r.word.Load())
		step.At(step.ReaderWord)
		v.cur = r.cur.Load()
		step.At(step.ReaderPage)
		v.dir = r.dir.Load()
		v.first, v.slot = v.newest+1, nil
		// Nothing is retained where there is no page, nor where the first one is in place whose
		// event is not visible yet.
		if v.cur.isNone() || v.cur.ordinal == 1 && v.cur.base == v.newest {
			return v
		}
		if p := v.page(v.newest); p != nil {
			v.slot = p.of(v.newest)
			v.first -= v.slot.count()
			return v
		}
	}
}

// page returns the page of seq, which was visible when cur and dir were loaded, or nil when it has
// gone.
func (v *view) page(seq uint64) *page {
	if seq > v.cur.base {
		return v.cur
	}
	return v.dir.find(v.cur, seq)
}

// Stats describes a ring at one instant.
type Stats struct {
	Events  int    // retained
	Bytes   int64  // retained, as MaxBytes counts them
	First   uint64 // Seq of the oldest retained event; 0 when none
	Last    uint64 // Seq of the newest event ever appended; 0 when none
	Evicted uint64 // events dropped to stay within the limits
}

// Stats is exact and takes a few loads.
func (r *Ring) Stats() Stats {
	v := r.look()
	if v.slot == nil {
		return Stats{Last: v.newest, Evicted: v.newest}
	}
	return Stats{
		Events:  int(v.slot.count()),
		Bytes:   v.slot.bytes(),
		First:   v.first,
		Last:    v.newest,
		Evicted: v.first - 1,
	}
}

// Close makes every later Append return ErrClosed and wakes all waiters. What is retained stays
// readable. An Append that returned before Close did is visible; one that Close overtook returns
// ErrClosed. Close is idempotent.
func (r *Ring) Close() {
	r.word.Or(closedBit)
	r.wakeAll()
}

package ring

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/reprise-go/reprise/internal/prefetch"
)

// A Ring is one session's event log. All methods are safe for concurrent use.
//
// What always holds, at every instant and under any interleaving:
//  1. Published sequence numbers are contiguous: if n is visible, so is every retained event before n.
//  2. An event that a reader can see can also be found by its ID.
//  3. A reader gets a whole event or an error, never bytes of two events.
//  4. A stalled or killed writer blocks neither readers nor other writers: appending is lock-free, reading wait-free.
//  5. Memory is bounded by Config, plus a constant, plus what readers still hold, and grows with what is retained.
//
// How. A record (record.go) is written in private into a chunk of memory that is never overwritten (chunks.go). With t the newest
// visible sequence, its writer then
//
//	(a) swaps the record's word into the slot of t+1 (table.go),
//	(b) inserts its ID into the index (index.go),
//	(c) swaps the tail word from t to t+1,
//
// and everybody who finds the slot of t+1 taken does (b) and (c) in the owner's place and tries again. So t is indexed before t+1 can be
// claimed, which makes the duplicate check exact: it looks the ID up after reading the tail, and if (a) succeeds then nothing was
// published in between. A record says itself how many events are retained once it is visible, so helpers add nothing up, and doing (b) and (c)
// twice is harmless.
//
// The tail word moves Last, First and the number of retained events together, and closing the ring sets a bit in the same word: an append
// whose (c) loses against that bit was never visible.
//
// No word takes the same value twice in one place: a tail, a slot, an index entry contain a sequence number, and pointers are swapped for
// objects that are new. A swap by a goroutine that slept for however long therefore succeeds only if nothing has changed. (The
// reservation word is the one exception; chunks.go says why that is right.)
type Ring struct {
	tail  atomic.Uint64             // sequence | count | closed; written by (c) and Close
	res   atomic.Uint64             // serial of the current chunk | units reserved in it; written by reserve and advance
	table atomic.Pointer[table]     // slots and index; written by grow and Release
	dir   atomic.Pointer[directory] // the chunks; written by install and Release

	// Where the table's slots and the current chunk are, so that an append to a ring that no cache holds can ask for all it needs at once instead of
	// following one pointer after the other. Addresses, not pointers: they may be out of date, and keep nothing alive. Written by grow and install.
	slots atomic.Uintptr // address | log2 of how many there are
	chunk atomic.Uintptr

	group *Group                  // immutable
	wake  atomic.Pointer[waiters] // who waits for the next event; written by Wait, taken by (c) and Close
	tag   [tagLen]byte            // of assigned IDs; immutable
	flags atomic.Uint32           // set by appends before they claim, never cleared
}

// ringBytes is the size of a Ring.
const ringBytes = 64 + 2*unsafe.Sizeof(uintptr(0))

// fetch asks for the memory that an append after tail touches, two or three pointers away: the slots of the next sequence and of the one before the oldest, and
// where the record goes.
func (r *Ring) fetch(tail uint64) {
	slots := r.slots.Load()
	prefetch.Append(slotAt(slots, tailSeq(tail)+1), slotAt(slots, tailSeq(tail)-tailCount(tail)), r.free())
}

// slotAt is the address of the slot of seq, where slots is Ring.slots.
func slotAt(slots uintptr, seq uint64) uintptr {
	return slots&^31 + uintptr(seq&(1<<(slots&31)-1))*slotBytes
}

// free is the address at which the current chunk has room.
func (r *Ring) free() uintptr {
	return r.chunk.Load() + uintptr(r.res.Load()&(1<<resBits-1))*8
}

// Foresee notes in a what the next append will touch, for prefetch.Fetch. It takes about 3 ns.
func (r *Ring) Foresee(a *prefetch.Ahead) {
	prefetch.Note(a, uintptr(unsafe.Pointer(r)), slotAt(r.slots.Load(), tailSeq(r.tail.Load())+1), r.free(),
		uintptr(unsafe.Pointer(r.table.Load())), uintptr(unsafe.Pointer(r.dir.Load())))
}

const (
	flagOwnIDs  = 1 << iota // producers bring IDs of their own: tables need an index
	flagImitate             // …some of which look like assigned ones
)

// The tail word: the newest visible sequence number, how many events are retained, and whether the ring is closed.
const (
	tailClosed    = 1
	tailCountBits = 21
	tailSeqShift  = tailCountBits + 1
)

func tailOf(seq, count uint64) uint64 { return seq<<tailSeqShift | count<<1 }
func tailSeq(tail uint64) uint64      { return tail >> tailSeqShift }
func tailCount(tail uint64) uint64    { return tail >> 1 & (1<<tailCountBits - 1) }
func tailFirst(tail uint64) uint64    { return tailSeq(tail) - tailCount(tail) + 1 }
func retained(tail, seq uint64) bool  { return seq <= tailSeq(tail) && seq >= tailFirst(tail) }

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
	for {
		tail := r.tail.Load()
		if tailCount(tail) == 0 {
			return Stats{Last: tailSeq(tail), Evicted: tailSeq(tail)}
		}
		t, dir := r.table.Load(), r.dir.Load()
		// While the oldest event is retained even now, dir has the chunks of all that tail retains.
		if tailFirst(r.tail.Load()) != tailFirst(tail) {
			continue
		}
		newest, ok := r.sumAfter(t, dir, tailSeq(tail))
		if !ok {
			continue
		}
		base, ok := r.sumBefore(t, dir, tailFirst(tail))
		if !ok {
			continue
		}
		return Stats{
			Events:  int(tailCount(tail)),
			Bytes:   int64((newest - base) & r.group.costs()),
			First:   tailFirst(tail),
			Last:    tailSeq(tail),
			Evicted: tailFirst(tail) - 1,
		}
	}
}

// Seek positions a cursor just after the event with that ID, on that event's stream; "" means before the oldest event, all
// streams. It takes the same time however many events are retained, and does not allocate unless the stream's name is longer
// than 40 bytes.
//
// It takes the ID of a place too, as PositionID makes it: the cursor begins there and sees all streams.
//
// It returns ErrEvicted for an ID that this ring assigned to an event that is gone, or for a place after which something is gone, and
// ErrUnknownID for any other ID that is not retained: from the future, another ring's, or a producer's own ID that was evicted.
func (r *Ring) Seek(lastEventID string) (Cursor, error) {
	if lastEventID == "" {
		return Cursor{ring: r, seq: tailFirst(r.tail.Load()) - 1}, nil
	}
	var tag uint32
	for hashed := false; ; {
		tail := r.tail.Load()
		t := r.table.Load()
		if t.index != nil && !hashed {
			tag, hashed = r.hash(lastEventID), true
		}
		if f, _, ok := r.find(tail, t, lastEventID, tag); ok {
			c := Cursor{ring: r, seq: f.seq}
			c.keepStream(f.rec.stream())
			return c, nil
		}
		if seq, ok := r.positionSeq(lastEventID); ok {
			return r.seekPosition(tail, seq, lastEventID)
		}
		seq, ok := r.assignedSeq(lastEventID)
		if ok && seq < tailFirst(tail) {
			return Cursor{}, fmt.Errorf("%w: ID %q", ErrEvicted, lastEventID)
		}
		// An assigned ID whose sequence went meanwhile may have been retained a moment ago, or belong to another event by now: look again, once.
		if !ok || seq >= tailFirst(r.tail.Load()) {
			return Cursor{}, fmt.Errorf("%w: %.300q", ErrUnknownID, lastEventID)
		}
	}
}

// seekPosition is Seek for the place just after seq, of whose ID there is no event.
func (r *Ring) seekPosition(tail, seq uint64, id string) (Cursor, error) {
	switch {
	case seq > tailSeq(tail):
		return Cursor{}, fmt.Errorf("%w: %q", ErrUnknownID, id)
	case seq+1 < tailFirst(tail):
		return Cursor{}, fmt.Errorf("%w: after position %q", ErrEvicted, id)
	}
	return Cursor{ring: r, seq: seq}, nil
}

// Tail positions a cursor after the newest event, all streams.
func (r *Ring) Tail() Cursor { return Cursor{ring: r, seq: tailSeq(r.tail.Load())} }

// Close makes every later Append return ErrClosed and wakes all waiters. What is retained stays readable. An Append that
// returned before Close did is visible; one that Close overtook returns ErrClosed. Close is idempotent.
func (r *Ring) Close() {
	r.tail.Or(tailClosed)
	r.wakeAll()
}

// Release closes the ring and takes it out of its Group's Tally and Budget, once, however often it is called. It returns
// the final statistics. Cursors go on reading; the memory goes with the last of them.
func (r *Ring) Release() Stats {
	r.Close()
	s := r.Stats()
	if !r.seal() {
		return s
	}
	if b := r.group.Budget; b != nil {
		b.Draw(-b.Charge(s.Bytes))
	}
	if t := r.group.Tally; t != nil {
		p := t.Stripe(r.stripeHash())
		p.Events.Add(-int64(s.Events))
		p.Bytes.Add(-s.Bytes)
		p.Released.Add(int64(s.Events))
		p.ReleasedBytes.Add(s.Bytes)
		p.Memory.Add(-r.Memory())
	}
	return s
}

// Memory estimates the heap that the ring holds, in bytes; what readers hold beyond it is not counted.
func (r *Ring) Memory() int64 { return int64(ringBytes) + r.table.Load().bytes() + r.dir.Load().bytes }

// account notes that the ring's heap has grown by n bytes.
func (r *Ring) account(n int64) {
	if t := r.group.Tally; t != nil {
		t.Stripe(r.stripeHash()).Memory.Add(n)
	}
}

// seal ends growth, so that what Release subtracts is all that was ever added. Only the first caller gets true.
func (r *Ring) seal() bool {
	for {
		d := r.dir.Load()
		if d.sealed {
			return false
		}
		sealed := *d
		sealed.sealed = true
		if r.dir.CompareAndSwap(d, &sealed) {
			break
		}
	}
	for {
		t := r.table.Load()
		if r.table.CompareAndSwap(t, t.sealedCopy()) {
			return true
		}
	}
}

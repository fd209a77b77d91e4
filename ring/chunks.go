package ring

import (
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/reprise-go/reprise/internal/step"
)

// A chunk is a piece of pointer-free memory: this header, then records back to back. Its bytes are written once.
//
// Most records share the current chunk. A large one gets a chunk of its own, which is never current.
//
// A shared chunk is sealed once the reservation word names a later one, and a record in a sealed chunk must not be claimed any more
// if it was not yet: the writer looks at the reservation word after the tail t that it is going to claim t+1 under, so whoever seals the
// chunk and then reads the tail s has t <= s, and s+1 is the last sequence that the chunk can hold. Nobody needs to count the writers in a chunk,
// and one that stalls pins nothing. A large record's chunk is stamped with its sequence before the sequence is published.
type chunk struct {
	dead atomic.Uint64 // once First is this, no retained record is in here; 0: not known yet. Swapped in once, by whoever gets there
	room uint32        // in units of 8 bytes, header included; immutable
	own  bool          // one large record lives here alone; immutable
}

const (
	chunkUnits = 2 // of 8 bytes: the header
	minChunk   = 512
	softChunk  = 16 << 10  // what a chunk grows to while a quarter of what is retained is more
	maxChunk   = 256 << 10 // …and while 1/64 of it is more
	largeBytes = 4 << 10   // a record above this, and above a quarter of a chunk, gets a chunk of its own
)

// newChunk has room for at least that many units: all that the allocator's size class gives.
func newChunk(units int, own bool) *chunk {
	var b strings.Builder
	b.Grow(units * 8)
	b.WriteByte(0)
	c := (*chunk)(unsafe.Pointer(unsafe.StringData(b.String())))
	c.dead.Store(0)
	c.room, c.own = uint32(b.Cap()/8), own
	return c
}

func (c *chunk) record(unit uint32) *record {
	return (*record)(unsafe.Add(unsafe.Pointer(c), uintptr(unit)*8))
}

// record returns the record that word w of t's slot of seq refers to. The word must hold seq, and d must have been loaded after it or
// while seq was retained: then d has the chunk.
func (d *directory) record(t *table, w uint64) *record {
	return d.chunks[t.place(w)].record(unitOf(w))
}

func (c *chunk) bytes() int64 { return int64(c.room) * 8 }

// chunkBytes is how large the next shared chunk is: large enough that few of them make up what is retained, small enough that the
// two that are partly used weigh little.
func chunkBytes(retained int64) int {
	n := minChunk
	for n < softChunk && int64(n)*8 <= retained {
		n *= 2
	}
	for n < maxChunk && int64(n)*128 <= retained {
		n *= 2
	}
	return n
}

// isLarge reports whether a record of n bytes gets a chunk of its own where shared ones are of that size.
func isLarge(n int64, size int) bool { return n > int64(max(largeBytes, size/4)) }

// wasteful reports whether dir's living chunks hold so much more than is retained that there is to be no more shared one for now: writers that lose one race
// after the other leave records behind that nobody claims, and these stay for as long as an event in the same chunk. A chunk of its own dies with its
// record, and its writer keeps it however often it loses. So the heap of a ring is bounded by its limits whatever writers do.
func (r *Ring) wasteful(dir *directory, retained int64, size int) bool {
	most := retained + retained/2 + 4*int64(size)
	if dir.bytes <= most {
		return false
	}
	tail, living := r.tail.Load(), int64(0)
	for _, c := range dir.chunks {
		if c != nil && (c == dir.cur || !c.isDead(tail)) {
			living += c.bytes()
		}
	}
	return living > most
}

// A directory is the list of the chunks that hold retained records. It is immutable but for the chunks' own words: a change swaps in
// another one. There are some hundred chunks at most unless large events need more, so a copy costs little beside the chunk it is made for.
type directory struct {
	serial uint64 // of the current chunk: 1, 2, 3, …; 0: there is none yet
	place  uint32 // of the current chunk
	room   uint32 // of the current chunk
	cur    *chunk
	chunks []*chunk // by place; nil: free
	bytes  int64    // heap of directory and chunks
	sealed bool     // the ring has been released: no more chunks
}

// noChunks is the directory of a ring without events.
var noChunks directory

// directoryBytes is the size of a directory, without its list.
const directoryBytes = 64

// A draft is a record that has space but no slot: its writer's alone.
type draft struct {
	chunk  *chunk // nil: no space reserved
	alone  bool   // the chunk is the draft's own
	place  uint32
	unit   uint32
	units  uint32
	serial uint64 // of its chunk, if shared
}

func (d *draft) record() *record { return d.chunk.record(d.unit) }

// The reservation word: the serial number of the current chunk, and how many of its units are taken. It comes back to a value that it
// had when a draft is abandoned, and only then: what is beyond it is nobody's at that moment, so a swap from an old look at it is right.
const resBits = 17

// open reports whether reservations, at res, are in d's current chunk, and there is room for so many units.
func (d *directory) open(res uint64, units uint32) bool {
	return res>>resBits == d.serial && uint32(res&(1<<resBits-1))+units <= d.room
}

// take makes the draft's what was reserved in dir's current chunk by adding to res.
func (d *draft) take(dir *directory, res uint64, units uint32) {
	d.chunk, d.alone, d.place, d.units, d.serial = dir.cur, false, dir.place, units, dir.serial
	d.unit = uint32(res & (1<<resBits - 1))
}

// reserve finds space for a record of so many units in a ring that retains that many bytes. It returns false when the ring is released.
func (r *Ring) reserve(d *draft, units uint32, retained int64) bool {
	for {
		res := r.res.Load()
		dir := r.dir.Load()
		switch {
		case dir.open(res, units):
			if r.res.CompareAndSwap(res, res+uint64(units)) {
				d.take(dir, res, units)
				return true
			}
		case dir.serial > res>>resBits:
			r.advance(dir)
		case dir.sealed:
			return false
		case dir.serial == res>>resBits:
			if r.install(d, dir, units, retained) {
				return true
			}
		}
	}
}

// advance moves reservations on to dir's current chunk, if they are not there or beyond already.
func (r *Ring) advance(dir *directory) {
	for {
		res := r.res.Load()
		if res>>resBits >= dir.serial || r.res.CompareAndSwap(res, dir.serial<<resBits|chunkUnits) {
			return
		}
	}
}

// install adds a chunk to dir, which reservations have reached, and drops those that have died. It returns true when the chunk is
// the draft's own; otherwise the caller tries again, whoever it was that changed the directory.
func (r *Ring) install(d *draft, dir *directory, units uint32, retained int64) bool {
	size := chunkBytes(retained)
	own := isLarge(int64(units)*8, size) || r.wasteful(dir, retained, size)
	var c *chunk
	if own {
		c = newChunk(int(units)+chunkUnits, true)
	} else {
		for size < int(units+chunkUnits)*8 {
			size *= 2
		}
		c = newChunk(size/8, false)
	}
	next := &directory{serial: dir.serial, place: dir.place, room: dir.room, cur: dir.cur}
	place := next.adopt(dir, c, r.tail.Load())
	if !own {
		next.serial, next.place, next.room, next.cur = dir.serial+1, place, c.room, c
	}
	step.At(step.Installing)
	if !r.dir.CompareAndSwap(dir, next) {
		return false
	}
	r.account(next.bytes - dir.bytes)
	step.At(step.Installed)
	if own {
		d.chunk, d.alone, d.place, d.unit, d.units = c, true, place, chunkUnits, units
		return true
	}
	r.chunk.Store(uintptr(unsafe.Pointer(c)))
	r.advance(next)
	if dir.cur != nil {
		dir.cur.stamp(r.tail.Load())
	}
	return false
}

// sweep drops chunks that have died. Every new chunk does so too; this is for large events, which should not wait for one. A sweep that
// another one beat to it starts again, for the other may have looked before this chunk had died.
func (r *Ring) sweep() {
	for {
		dir := r.dir.Load()
		if dir.sealed {
			return
		}
		r.advance(dir)
		next := &directory{serial: dir.serial, place: dir.place, room: dir.room, cur: dir.cur}
		next.adopt(dir, nil, r.tail.Load())
		if r.dir.CompareAndSwap(dir, next) {
			r.account(next.bytes - dir.bytes)
			return
		}
	}
}

// adopt takes over old's living chunks, and c unless it is nil, and returns c's place. Reservations had reached old when the tail was read, so all
// chunks but the current one were sealed.
func (d *directory) adopt(old *directory, c *chunk, tail uint64) uint32 {
	d.chunks = make([]*chunk, len(old.chunks), len(old.chunks)+1)
	place := len(old.chunks)
	for i, o := range old.chunks {
		if o != nil && (o == old.cur || !o.isDead(tail)) {
			d.chunks[i] = o
			d.bytes += o.bytes()
		} else if place > i {
			place = i
		}
	}
	if c != nil {
		d.chunks = d.chunks[:max(len(old.chunks), place+1)]
		d.chunks[place] = c
		d.bytes += c.bytes()
	}
	for n := len(d.chunks); n > 0 && d.chunks[n-1] == nil; n-- {
		d.chunks = d.chunks[:n-1]
	}
	d.bytes += directoryBytes + 8*int64(cap(d.chunks))
	return uint32(place)
}

// stamp notes, for a sealed chunk, the First from which on it holds nothing; tail was read after it was sealed.
func (c *chunk) stamp(tail uint64) { c.dead.CompareAndSwap(0, tailSeq(tail)+2) }

// holdsOnly notes, for a chunk of its own, the sequence of its record, which is claimed.
func (c *chunk) holdsOnly(seq uint64) { c.dead.CompareAndSwap(0, seq+1) }

// isDead reports whether a chunk that is not the current one holds no record that is retained or may still be claimed.
func (c *chunk) isDead(tail uint64) bool {
	dead := c.dead.Load()
	if dead == 0 && !c.own {
		c.stamp(tail)
		dead = c.dead.Load()
	}
	return dead != 0 && tailFirst(tail) >= dead
}

// sealed reports whether the draft must not be claimed any more, to be asked after the tail was read.
func (r *Ring) sealed(d *draft) bool { return !d.alone && r.res.Load()>>resBits != d.serial }

// abandon gives up a draft: a shared chunk takes the space back if nobody has reserved beyond it, and a chunk of its own dies.
func (r *Ring) abandon(d *draft) {
	if d.chunk == nil {
		return
	}
	if d.alone {
		d.chunk.dead.CompareAndSwap(0, 1)
		r.sweep()
	} else {
		end := d.serial<<resBits | uint64(d.unit+d.units)
		r.res.CompareAndSwap(end, end-uint64(d.units))
	}
	d.chunk = nil
}

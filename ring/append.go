package ring

import (
	"fmt"
	"time"

	"github.com/reprise-go/reprise/internal/step"
)

// Append stores a copy of e and returns the stored event, whose Data is a view of the log. The caller may reuse e.Data at once; e.Seq is
// ignored. Events go, oldest first, until the limits hold.
//
// Errors, in this order: ErrClosed, ErrInvalidEvent naming the field, ErrEventTooLarge with both sizes, ErrDuplicateID together with
// the retained event of that ID, so that a retry is idempotent, and ErrOverBudget. With any of them nothing is stored and nothing evicted.
//
// It takes two atomic swaps on the ring's own cache line and one on a slot, and copies the payload once; it allocates when a chunk is full.
func (r *Ring) Append(e Event) (stored Event, err error) {
	if r.tail.Load()&tailClosed != 0 {
		return stored, ErrClosed
	}
	if err = r.group.check(&e); err != nil {
		return stored, err
	}
	var d draft
	var m move
	var tag uint32
	own := e.ID != ""
	if own {
		tag = r.hash(e.ID)
		r.noteOwn(e.ID)
		d.idLen = uint16(len(e.ID))
	}
	nanos := r.nanos(e.Time)
	for {
		tail := r.tail.Load()
		step.At(step.TailRead)
		if tail&tailClosed != 0 || tailSeq(tail) == MaxSeq {
			r.Close() // also when the sequence numbers are used up
			r.abandon(&d)
			return stored, ErrClosed
		}
		seq := tailSeq(tail) + 1
		t := r.table.Load()
		slot := t.slot(seq)
		old := slot.word.Load()
		dir := r.dir.Load()
		step.At(step.SlotRead)
		// If the tail stood still around these loads, t was in use while seq was next. Should the slot still hold old when it is
		// swapped below, then nobody has claimed seq, frozen the table or moved the tail since.
		if r.tail.Load() != tail {
			continue
		}
		if t.holds(old, seq) {
			r.help(tail, t, old)
			continue
		}
		if old == frozen || !r.fits(t, tail) {
			r.grow(t)
			continue
		}
		zeros := 0
		if own {
			if f, found := r.find(tail, t, e.ID, tag); found {
				r.abandon(&d)
				r.countDuplicate()
				f.rec.fill(&stored, f.seq)
				return stored, fmt.Errorf("%w: %q is sequence %d", ErrDuplicateID, e.ID, f.seq)
			}
		} else {
			if r.flags.Load()&flagImitate != 0 {
				zeros, tag = r.unusual(tail, t, seq)
			}
			if n := uint16(assignedLen(seq, zeros)); n != d.idLen {
				r.abandon(&d)
				d.idLen = n
			}
		}
		step.At(step.Looked)
		size := int(d.idLen) + len(e.Stream) + len(e.Type) + len(e.Data)
		ok, err := r.plan(&m, tail, t, dir, int64(size+Overhead))
		if err != nil && r.tail.Load() == tail { // else what others have stored since may be evicted for this event
			r.abandon(&d)
			return stored, err
		}
		if !ok {
			continue
		}
		// Reserving, or looking at the reservation word now, tells that the chunk was open after the tail was read.
		if d.chunk == nil || r.sealed(&d) {
			if !r.take(&d, dir, recordBytes+size) && !r.reserve(&d, recordBytes+size, m.before) {
				continue
			}
			step.At(step.Reserved)
			d.record().write(&e, int(d.idLen), nanos)
		}
		rec := d.record()
		rec.after = m.count<<costBits | m.sum
		if !own {
			r.putAssigned(rec.idBytes(), seq, zeros)
		}
		rec.setIndexed(own || zeros > 0)
		step.At(step.Written)
		if d.place > t.mask {
			r.grow(t)
			continue
		}
		if !slot.word.CompareAndSwap(old, t.word(seq, d.place, d.unit)) {
			continue
		}
		step.At(step.Claimed)
		slot.sum.Store(seq<<sumBits | m.sum&(1<<sumBits-1))
		if d.alone {
			d.chunk.holdsOnly(seq)
		}
		if !r.publish(tail, t, rec, tag) {
			return stored, ErrClosed
		}
		r.settle(tail, &m)
		stored = e
		stored.Seq = seq
		if !own {
			stored.ID = rec.id()
		}
		stored.Data = rec.data()
		stored.Time = time.Unix(0, nanos)
		return stored, nil
	}
}

// noteOwn says before the first claim of such an ID that there are IDs of the producers' own, and imitations of assigned ones: whoever reads a tail
// that retains one sees the flag.
func (r *Ring) noteOwn(id string) {
	want := uint32(flagOwnIDs)
	if r.ownTag(id) {
		want |= flagImitate
	}
	if have := r.flags.Load(); have&want != want {
		r.flags.Or(want)
	}
}

func (r *Ring) nanos(t time.Time) int64 {
	if !t.IsZero() {
		return t.UnixNano()
	}
	c := r.group.Clock
	return c.Wall(c.Now())
}

// publish makes the claimed record of the sequence after tail visible: steps (b) and (c). It returns false when the ring was
// closed first. Everybody who meets the claim may call it, at any time. A chunk with this record alone has been stamped.
func (r *Ring) publish(tail uint64, t *table, rec *record, tag uint32) bool {
	seq := tailSeq(tail) + 1
	if rec.isIndexed() {
		r.insert(t, tail, seq, tag)
	}
	step.At(step.Indexed)
	if r.tail.CompareAndSwap(tail, tailOf(seq, rec.count())) {
		step.At(step.Published)
		r.wakeAll()
		return true
	}
	return tailSeq(r.tail.Load()) >= seq
}

// help publishes the record of somebody else's claim w in the slot after tail.
func (r *Ring) help(tail uint64, t *table, w uint64) {
	dir := r.dir.Load()
	if r.tail.Load() != tail {
		return
	}
	// The claim is not published, so its chunk is alive, and dir was loaded after the claim: it has the chunk.
	c := dir.chunks[t.place(w)]
	rec := c.record(unitOf(w))
	var tag uint32
	if rec.isIndexed() {
		tag = r.hash(rec.id())
	}
	if c.own {
		c.holdsOnly(tailSeq(tail) + 1)
	}
	r.publish(tail, t, rec, tag)
}

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
	rec, seq, err := r.append(&e)
	if err != nil {
		if rec != nil {
			rec.fill(&stored, seq)
		}
		return stored, err
	}
	// Filled here, where the compiler knows that stored is on the stack: writing to it then needs no write barrier.
	stored = e
	stored.Seq = seq
	id := rec.idLen()
	stored.ID = rec.text(0, id)
	stored.Data = rec.bytesAt(id+len(e.Stream)+len(e.Type), len(e.Data))
	stored.Time = time.Unix(0, rec.nanos)
	return stored, nil
}

// append stores e and returns its record and sequence; with ErrDuplicateID, those of the retained event.
func (r *Ring) append(e *Event) (rec *record, seq uint64, err error) {
	tail := r.tail.Load()
	if tail&tailClosed != 0 {
		return nil, 0, ErrClosed
	}
	r.fetch(tail)
	g := r.group
	idLen, size := len(e.ID), len(e.ID)+len(e.Stream)+len(e.Type)+len(e.Data)
	untimed := e.Time.IsZero()
	if size != len(e.Data) || !untimed {
		if err := checkFields(e); err != nil {
			return nil, 0, err
		}
	}
	if size > int(g.maxSize) {
		return nil, 0, g.tooLarge(size)
	}
	var nanos int64
	if untimed {
		nanos = g.Clock.Wall(g.Clock.Now())
	} else {
		nanos = e.Time.UnixNano()
	}
	var tag uint32
	own := idLen != 0
	if own {
		tag = r.hash(e.ID)
		r.noteOwn(e.ID)
	}
	var d draft
	var m move
	var v vacancy
	losses := 0
	for {
		tail = r.tail.Load()
		step.At(step.TailRead)
		if tail&tailClosed != 0 || tailSeq(tail) == MaxSeq {
			r.Close() // also when the sequence numbers are used up
			r.abandon(&d)
			return nil, 0, ErrClosed
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
		if t.mayHold(old, seq) || tailCount(tail) >= t.most || own && t.index == nil {
			if t.holds(old, seq) {
				r.help(tail, t, old)
				continue
			}
			if old == frozen || !r.fits(t, tail) {
				r.grow(t)
				continue
			}
		}
		zeros := 0
		if own {
			var f find
			var found bool
			if f, v, found = r.find(tail, t, e.ID, tag); found {
				r.abandon(&d)
				r.countDuplicate()
				return f.rec, f.seq, fmt.Errorf("%w: %q is sequence %d", ErrDuplicateID, e.ID, f.seq)
			}
		} else {
			if r.flags.Load()&flagImitate != 0 {
				zeros, tag, v = r.unusual(tail, t, seq)
			}
			if n := assignedLen(seq, zeros); n != idLen {
				if d.chunk != nil {
					r.abandon(&d)
				}
				size += n - idLen
				idLen = n
			}
		}
		step.At(step.Looked)
		if !r.planFast(&m, tail, t, int64(size+Overhead)) {
			ok, err := r.plan(&m, tail, t, dir, int64(size+Overhead))
			if err != nil && r.tail.Load() == tail { // else what others have stored since may be evicted for this event
				r.abandon(&d)
				return nil, 0, err
			}
			if !ok {
				continue
			}
		}
		// Reserving, or looking at the reservation word now, tells that the chunk was open after the tail was read.
		if d.chunk == nil || r.sealed(&d) {
			units := uint32(recordBytes+size+7) / 8
			if res := r.res.Load(); !dir.open(res, units) || !r.res.CompareAndSwap(res, res+uint64(units)) {
				if !r.reserve(&d, units, m.before) {
					continue
				}
			} else {
				d.take(dir, res, units)
			}
			step.At(step.Reserved)
			d.record().write(e, idLen, size, nanos)
		}
		rec := d.record()
		rec.after = m.count<<costBits | m.sum
		if !own {
			r.putAssigned(rec.bytes(idLen), seq, zeros)
		}
		if own || zeros > 0 {
			rec.lens |= indexed
		} else {
			rec.lens &^= indexed
		}
		step.At(step.Written)
		if d.place > t.mask {
			r.grow(t)
			continue
		}
		if !slot.word.CompareAndSwap(old, t.word(seq, d.place, d.unit)) {
			losses = backOff(losses)
			continue
		}
		step.At(step.Claimed)
		slot.sum.Store(seq<<sumBits | m.sum&(1<<sumBits-1))
		if d.alone {
			d.chunk.holdsOnly(seq)
		}
		if !r.publish(tail, t, rec, tag, v) {
			return nil, 0, ErrClosed
		}
		if g.Tally != nil || m.drawn != 0 || m.large {
			r.settle(tail, &m, int64(size+Overhead))
		}
		return rec, seq, nil
	}
}

// backOff keeps a writer that has lost a claim away from the ring's cache lines: about a microsecond, twice as long with each loss up to some sixteen.
// Otherwise writers on several processors take the lines from each other at every step, and each step waits for that. Who wins goes on
// meanwhile, and the loser then does what it likes, so the ring is as lock-free as without. Eight writers on two processors: 140 ns an event
// instead of 235.
func backOff(losses int) int {
	for range 800 << min(losses, 4) {
		pause()
	}
	return losses + 1
}

//go:noinline
func pause() {}

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

// publish makes the claimed record of the sequence after tail visible: steps (b) and (c). It returns false when the ring was
// closed first. Everybody who meets the claim may call it, at any time. A chunk with this record alone has been stamped.
func (r *Ring) publish(tail uint64, t *table, rec *record, tag uint32, v vacancy) bool {
	seq := tailSeq(tail) + 1
	if rec.isIndexed() {
		r.insert(t, tail, seq, tag, v)
	}
	step.At(step.Indexed)
	if !r.tail.CompareAndSwap(tail, tailOf(seq, rec.count())) {
		return tailSeq(r.tail.Load()) >= seq
	}
	step.At(step.Published)
	if r.wake.Load() != nil {
		r.wakeAll()
	}
	return true
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
	r.publish(tail, t, rec, tag, vacancy{})
}

package ring

import (
	"runtime"
	"time"
	"unsafe"

	"github.com/reprise-go/reprise/internal/prefetch"
	"github.com/reprise-go/reprise/internal/step"
)

// Append stores a copy of e and returns the stored event, whose Data is a view of the log. The
// caller may reuse e.Data at once; e.Seq is ignored. Events go, oldest first, until the limits
// hold.
//
// Errors, in this order: ErrClosed, ErrInvalidEvent naming the field, ErrEventTooLarge with both
// sizes, ErrDuplicateID together with the retained event of that ID, so that a retry is idempotent,
// and ErrOverBudget. With any of them nothing is stored and nothing evicted.
//
// It takes two atomic swaps on the ring's own cache line, one more for an ID of the caller's own,
// and copies the payload once; it allocates when a page is full.
func (r *Ring) Append(e Event) (stored Event, err error) {
	r.Fetch()
	err = r.AppendTo(&stored, &e)
	return stored, err
}

// Fetch starts to load the memory that the next append touches, and waits for none of it. Package
// shard calls it before it looks at the session, so that what is far from every cache arrives
// together.
func (r *Ring) Fetch() {
	// Where the next append goes follows from these two.
	word, at := r.word.Load(), uintptr(unsafe.Pointer(r.cur.Load()))
	prefetch.Append(at, at+headBytes+uintptr(word>>nextSlotShift&(1<<nextSlotBits-1))*slotBytes,
		at+uintptr(word>>nextLineShift&(1<<nextLineBits-1))<<6)
}

// AppendTo is Append for package shard: it reads e and fills stored in place. They may be the same.
//
// This is the owner's way for one event, when nobody else is at it and it fits into the current
// page. Everything else, and every error, is appendAll's: it starts from nothing, so whatever stops
// this function before the swap has changed nothing, and after it only what an overtaken owner may.
func (r *Ring) AppendTo(stored, e *Event) error {
	word := r.word.Load()
	step.At(step.WordRead)
	c := r.cur.Load()
	step.At(step.PageRead)
	g, newest := r.group, seqOf(word)
	i := newest - c.base // a page later than the word has no such slot
	texts := len(e.Stream) + len(e.Type)
	size := len(e.ID) + texts + len(e.Data)
	if word&stateBits != 0 || i == 0 || i >= uint64(c.slots) || size > int(g.maxSize) || !e.Time.IsZero() ||
		texts != 0 && (!printable(e.Stream, MaxIDBytes) || !printable(e.Type, MaxIDBytes)) || newest >= MaxSeq {
		return r.appendOne(stored, e)
	}
	s, last := c.slot(i), c.slot(i-1)
	before, off := last.retained, last.end()
	idLen, flag := len(e.ID), uint32(0)
	var tag uint32
	var x index
	var free vacancy
	if idLen != 0 {
		if !printable(e.ID, int(g.maxIDBytes)) || r.ownTag(e.ID) {
			return r.appendOne(stored, e)
		}
		tag, flag = r.hash(e.ID), indexed
		v := view{newest, newest + 1 - before>>costBits, c, r.dir.Load(), last}
		x = v.dir.index
		if min(before>>costBits+1, uint64(g.maxEvents)) > uint64(x.buckets())*bucketEvents {
			return r.appendOne(stored, e)
		}
		var in *page
		if _, in, free = r.find(&v, e.ID, tag); in != nil {
			return r.appendOne(stored, e)
		}
	} else {
		if r.books.Load()&imitated != 0 {
			return r.appendOne(stored, e)
		}
		idLen = assignedLen(newest+1, 0)
		size += idLen
	}
	// What is retained, in one number: events and what they cost.
	const one = 1 << costBits
	cost := int64(size + Overhead)
	after, gone := before+one+uint64(cost), uint64(0)
	for after>>costBits > uint64(g.maxEvents) || after&(one-1) > uint64(g.maxBytes) {
		oldest, ok := c.cost(newest + 2 - after>>costBits)
		if !ok {
			return r.appendOne(stored, e)
		}
		after -= one + uint64(oldest)
		gone += one + uint64(oldest)
	}
	if off+uint64(size) > c.size() || gone&(one-1) > largeBytes {
		return r.appendOne(stored, e)
	}
	drawn := int64(0)
	if b := g.Budget; b != nil {
		if drawn = b.Charge(int64(after&(one-1))) - b.Charge(int64(before&(one-1))); drawn > 0 && drawn > b.Free() {
			return r.appendOne(stored, e)
		}
	}
	nanos := g.Clock.Wall(g.Clock.Now())
	step.At(step.Planned)
	if !r.word.CompareAndSwap(word, word|busyBit) {
		return r.appendOne(stored, e)
	}
	step.At(step.Owned)
	c.put(s, off, e, idLen, size, after, nanos, flag)
	if flag == 0 {
		r.putAssigned(unsafe.Slice((*byte)(c.at(off)), idLen), newest+1, 0)
		step.At(step.Written)
	} else {
		step.At(step.Written)
		x.insert(uint64(tag)<<tagPos|(newest+1), newest+1-before>>costBits, free)
	}
	step.At(step.Publishing)
	if !r.word.CompareAndSwap(word|busyBit, wordOf(newest+1, i+1, off+uint64(size))) {
		return r.appendOne(stored, e) // overtaken, or closed
	}
	step.At(step.Published)
	if r.wake.Load() != nil {
		r.wakeAll()
	}
	if g.Tally != nil || drawn != 0 {
		r.countBytes(drawn, cost, int64(gone&(one-1)), 1, int64(gone>>costBits))
	}
	stored.Seq = newest + 1
	stored.setID(c.at(off), idLen)
	stored.Stream, stored.Type = e.Stream, e.Type
	stored.setData(c, off+uint64(idLen+texts), len(e.Data))
	stored.Time = time.Unix(0, nanos)
	return nil
}

// appendOne is AppendTo in the general form. With ErrDuplicateID, stored becomes the retained
// event.
//
//go:noinline
func (r *Ring) appendOne(stored, e *Event) error {
	var ids [1]identity
	p, seq, err := r.appendAll(unsafe.Slice(e, 1), ids[:])
	if p != nil {
		p.fill(p.of(seq), stored, seq)
	}
	return err
}

// AppendAll stores copies of all events under consecutive sequence numbers, visible at once, or
// none of them. It returns them as stored, in their order, in the memory of dst if that has room
// for them; what dst held is overwritten. dst may be es.
//
// The errors are those of Append. What is wrong with an event by itself, ErrInvalidEvent or
// ErrEventTooLarge, comes before ErrDuplicateID, by the first event that causes one. An ID that
// comes twice in es is ErrDuplicateID too; more events than Config.MaxEvents, or more bytes than
// Config.MaxBytes, Overhead and assigned IDs included, is ErrEventTooLarge, and so are more than
// 6 GiB. With an error nothing is stored and the result is empty, but that ErrDuplicateID comes
// with the retained event of the first ID that has one. No events at all are no error, unless the
// ring is closed.
func (r *Ring) AppendAll(dst, es []Event) ([]Event, error) {
	var few [16]identity
	ids := few[:]
	if len(es) > len(few) {
		ids = make([]identity, len(es))
	}
	p, seq, err := r.appendAll(es, ids[:len(es)])
	n := len(es)
	if err != nil {
		n = 0
		if p != nil {
			n = 1
		}
	}
	if cap(dst) < n {
		dst = make([]Event, n)
	}
	dst = dst[:n]
	for i := range dst {
		p.fill(p.of(seq), &dst[i], seq)
		seq++
	}
	return dst, err
}

// appendAll stores es and returns the page and the sequence of the first; with ErrDuplicateID,
// those of the retained event if there is one.
func (r *Ring) appendAll(es []Event, ids []identity) (at *page, seq uint64, err error) {
	if r.word.Load()&closedBit != 0 {
		return nil, 0, ErrClosed
	}
	if len(es) == 0 {
		return nil, 0, nil
	}
	var p plan
	if err := r.check(&p, es, ids); err != nil {
		return nil, 0, err
	}
	p.nanos = r.group.Clock.Wall(r.group.Clock.Now())
	n := uint64(len(es))
	for losses := 0; ; {
		word := r.word.Load()
		step.At(step.WordRead)
		if word&closedBit != 0 || seqOf(word) > MaxSeq-n {
			r.Close() // also when the sequence numbers are used up
			return nil, 0, ErrClosed
		}
		if word&sealedBit != 0 {
			if x := r.prop.Load(); x != nil && x.seq == seqOf(word)+1 {
				r.settle(x)
			}
			continue
		}
		busy := word&busyBit != 0
		if busy && !r.outwait(word) {
			continue
		}
		at, seq, ok, err := r.plan(&p, word, es, ids)
		if !ok {
			continue
		}
		if err != nil {
			if at != nil {
				r.countDuplicate()
			} else if seqOf(r.word.Load()) != p.newest {
				continue // what others have stored since may be evicted for these
			}
			return at, seq, err
		}
		if busy || !p.fits {
			if x := r.propose(&p, es, ids); x != nil {
				r.count(&p, int64(n))
				return x.next, x.seq, nil
			}
			continue
		}
		if !r.word.CompareAndSwap(word, word|busyBit) {
			losses = backOff(losses)
			continue
		}
		step.At(step.Owned)
		slot := p.newest - p.cur.base
		end := r.write(p.cur, &p, es, ids, slot, p.off)
		p.enter(ids)
		step.At(step.Publishing)
		if !r.word.CompareAndSwap(word|busyBit, wordOf(p.newest+n, slot+n, end)) {
			continue // overtaken, or closed
		}
		step.At(step.Published)
		if r.wake.Load() != nil {
			r.wakeAll()
		}
		r.count(&p, int64(n))
		return p.cur, p.newest + 1, nil
	}
}

// check refuses what can be refused by the events alone.
func (r *Ring) check(p *plan, es []Event, ids []identity) error {
	g := r.group
	for i := range es {
		e := &es[i]
		size := e.Size()
		if size != len(e.Data) || !e.Time.IsZero() {
			if err := checkFields(e, int(g.maxIDBytes), g.strictIDs); err != nil {
				return err
			}
		}
		if size > int(g.maxSize) {
			return &sizeError{size, int(g.maxEventBytes), int(g.maxBytes)}
		}
		if e.ID != "" {
			p.own = true
			ids[i] = identity{int32(len(e.ID)), r.hash(e.ID), true}
			if r.ownTag(e.ID) {
				r.books.Or(imitated) // before it is visible: whoever reads a word that retains it sees this
			}
		}
		p.size += int64(size)
	}
	if n := uint64(len(es)); n > 1 {
		if cost := p.size + int64(n)*Overhead; n > uint64(g.maxEvents) || cost > g.maxBytes || cost > maxBatch {
			return &batchError{n, cost, g}
		}
		return checkTwice(es, ids)
	}
	return nil
}

// write puts the events into p, the first into that slot and off bytes into the page, and returns
// where the last one ends.
func (r *Ring) write(to *page, p *plan, es []Event, ids []identity, slot, off uint64) uint64 {
	count := p.newest + 1 - p.kept
	bytes := p.rest
	// The sums of all but the last say what is retained with the last: no reader ever sees one of
	// them as the newest.
	retained := (count+uint64(len(es)))<<costBits | uint64(bytes+p.cost)
	for i := range es {
		e, id := &es[i], ids[i]
		size := e.Size()
		if e.ID == "" {
			size += int(id.length)
		}
		nanos := p.nanos
		if !e.Time.IsZero() {
			nanos = e.Time.UnixNano()
		}
		flag := uint32(0)
		if id.indexed {
			flag = indexed
		}
		to.put(to.slot(slot), off, e, int(id.length), size, retained, nanos, flag)
		if e.ID == "" {
			seq := p.newest + 1 + uint64(i)
			r.putAssigned(unsafe.Slice((*byte)(to.at(off)), int(id.length)), seq, int(id.length)-assignedLen(seq, 0))
		}
		step.At(step.Written)
		off += uint64(size)
		slot++
	}
	return off
}

// enter puts the events' entries into the index.
func (p *plan) enter(ids []identity) {
	for i := range ids {
		if ids[i].indexed {
			p.dir.index.insert(uint64(ids[i].tag)<<tagPos|(p.newest+1+uint64(i)), p.first, p.free)
			p.free = vacancy{}
		}
	}
}

// How long an appender waits for an owner before it overtakes it, and how long one that lost stays
// away.
var (
	patience = 16 // looks at the word, up to twice as long apart each time: some 5 µs in all
	yields   = 4  // and then as many with the processor given up before each
)

// outwait gives the owner under word time to get through, and reports whether it has not. Waiting
// is only for speed: it spares the work of overtaking, which is some ten times that of an append.
func (r *Ring) outwait(word uint64) bool {
	if !r.group.alone {
		for i := range patience {
			for range 20 << min(i, 4) {
				pause()
			}
			if r.word.Load() != word {
				return false
			}
		}
	}
	for range yields {
		runtime.Gosched()
		if r.word.Load() != word {
			return false
		}
	}
	return true
}

// backOff keeps an appender that has lost a race for the ring away from its cache lines: some eight
// microseconds, twice as long with each loss up to sixteen times that. Otherwise appenders on
// several processors take the lines from each other at every step, and each step waits for that.
// Who wins goes on meanwhile, and the loser then does what it likes, so the ring is as lock-free as
// without.
func backOff(losses int) int {
	for range 6400 << min(losses, 4) {
		pause()
	}
	return losses + 1
}

//go:noinline
func pause() {}

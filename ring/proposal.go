package ring

import (
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/step"
)

// A proposal is the outcome of an append, complete: whoever has sealed the ring can put it in
// place. It is immutable but for won.
//
// A proposal for a sequence is put into Ring.prop only while that is the next one, over nothing or
// over one for an older sequence, and it is taken out only once the ring has gone on. So there is
// at most one that a ring sealed at a sequence can mean, and it is the one that is found in prop
// afterwards. cur and dir did not change between the publication of the newest event and the seal,
// so what the proposal names is what is there.
//
// Lock-freedom: while the word stands still at one sequence, only so many changes of word and prop
// are possible, a bounded number for each appender: to busy, to sealed, and a proposal put over an
// older one. Each step of an appender that fails was failed by one of them. So after boundedly many
// steps of its own an appender has returned, or somebody has published. An owner that stops for
// ever at any step costs each of the others one patience (outwait). One appender alone may be
// overtaken again and again: appending is not wait-free. Allocator, collector and scheduler are
// outside the claim.
type proposal struct {
	seq          uint64 // of the first of its events: the newest one's and one
	word         uint64 // the word that publishes it
	cur, next    *page  // Ring.cur before and after
	dir, nextDir *directory
	first        uint64    // the oldest event that is retained before
	kept         uint64    // and after
	entries      []uint64  // for the index
	one          [1]uint64 // entries where there is one
	won          atomic.Bool
}

// propose makes a proposal of p and sees it, or another one for the same sequence, through. It
// returns nil when p has not been published: either another proposal or the owner was faster, or
// the ring is closed.
func (r *Ring) propose(p *plan, es []Event, ids []identity) *proposal {
	if x := r.prop.Load(); x != nil && x.seq == p.newest+1 {
		r.settle(x)
		return nil
	}
	x := r.proposal(p, es, ids)
	for {
		old := r.prop.Load()
		step.At(step.Proposing)
		if seqOf(r.word.Load()) != p.newest {
			return nil
		}
		if old != nil && old.seq > p.newest {
			r.settle(old)
			return nil
		}
		if r.prop.CompareAndSwap(old, x) {
			break
		}
	}
	step.At(step.Proposed)
	r.settle(x)
	if seqOf(r.word.Load()) >= x.seq && x.won.Load() {
		return x
	}
	step.At(step.Withdrawing)
	r.prop.CompareAndSwap(x, nil)
	return nil
}

// settle seals the ring for x, which was found in prop, and puts it in place, unless the ring goes
// on without it. Anybody may do so, any number of times, and stop and go on at any moment: after
// the seal each step does nothing where it was done before, or where the ring has gone on.
//
// The order matters to readers, who load cur and then dir: the complete page is in the directory
// before the next one is cur, and an event's entry in the index before the event is visible. won
// tells the proposal's maker, who cannot tell from the word who has published.
func (r *Ring) settle(x *proposal) {
	word, sealed := r.seal(x)
	if !sealed {
		return
	}
	step.At(step.Sealed)
	d := x.dir
	if x.nextDir != nil {
		if r.dir.CompareAndSwap(d, x.nextDir) {
			r.account(x.nextDir.bytes() - d.bytes())
		}
		d = x.nextDir
		step.At(step.DirectorySwapped)
	}
	if !x.cur.isNone() {
		x.cur.count.Store(uint32(x.seq - 1 - x.cur.base))
		r.enter(d, x.cur)
		step.At(step.Entered)
	}
	if r.cur.CompareAndSwap(x.cur, x.next) {
		r.account(x.next.bytes())
	}
	step.At(step.PageSwapped)
	for _, entry := range x.entries {
		if !d.index.has(entry) {
			d.index.insert(entry, x.first, vacancy{})
		}
	}
	x.won.Store(true)
	step.At(step.Decided)
	if r.word.CompareAndSwap(word, x.word) && r.wake.Load() != nil {
		r.wakeAll()
	}
	step.At(step.Published)
	if seqOf(r.word.Load()) >= x.seq {
		r.sweep(d, x.cur.oldest, x.next.oldest, x.kept)
		r.retract(d, x)
	}
	step.At(step.Withdrawing)
	r.prop.CompareAndSwap(x, nil)
}

// seal seals the ring for x, giving a busy owner one chance to get through, and returns the sealed
// word. False: the ring goes on without x.
func (r *Ring) seal(x *proposal) (sealed uint64, ok bool) {
	for waited := false; ; {
		word := r.word.Load()
		step.At(step.Sealing)
		if seqOf(word) != x.seq-1 || word&closedBit != 0 {
			return 0, false
		}
		if word&sealedBit != 0 {
			return word, true
		}
		if word&busyBit != 0 && !waited {
			if waited = true; !r.outwait(word) {
				continue
			}
		}
		sealed = word&^busyBit | sealedBit
		if r.word.CompareAndSwap(word, sealed) {
			return sealed, true
		}
	}
}

// retract takes the page that x has completed out of d again if all of it has gone: then it may
// have been entered by a goroutine that had slept since the seal, and later sweeps begin after it.
// What is visible decides: a current page may belong to a proposal that is not published yet.
func (r *Ring) retract(d *directory, x *proposal) {
	p := x.cur
	if p.isNone() || r.look().first < x.seq {
		return
	}
	if e := d.entry(p.ordinal); e.Load() == p && e.CompareAndSwap(p, nil) {
		r.drop(p)
	}
}

// proposal builds what p takes: a new page that begins with es, and larger tables if there is no
// room in them.
func (r *Ring) proposal(p *plan, es []Event, ids []identity) *proposal {
	n := uint64(len(es))
	x := &proposal{seq: p.newest + 1, cur: p.cur, dir: p.dir, first: p.first, kept: p.kept}
	x.next = r.nextPage(p, n)
	end := r.write(x.next, p, es, ids, 0, x.next.start())
	x.word = wordOf(p.newest+n, n, end)
	if n > 1 {
		x.entries = make([]uint64, 0, n)
	} else {
		x.entries = x.one[:0]
	}
	for i, id := range ids {
		if id.indexed {
			x.entries = append(x.entries, uint64(id.tag)<<tagPos|(x.seq+uint64(i)))
		}
	}
	entries, index := p.dir.entries, p.dir.index
	if c := p.cur; !c.isNone() && c.ordinal-c.oldest >= uint64(len(entries)) {
		entries = p.dir.grown(c.oldest, c.ordinal)
	}
	if len(x.entries) > 0 && !p.grows {
		// An index that would become too small within the new page grows with it: later that would
		// take one more page, and leave this one partly empty.
		full := min(p.newest+1-p.kept+uint64(x.next.slots), uint64(r.group.maxEvents))
		p.grows = full > uint64(index.buckets())*bucketEvents
	}
	if p.grows {
		p.larger.catchUp(r, &p.view, n)
		index = p.larger.to
	}
	if p.grows || len(entries) != len(p.dir.entries) {
		x.nextDir = &directory{entries: entries, index: index}
	}
	return x
}

// nextPage makes the page after cur for n events and those that follow.
func (r *Ring) nextPage(p *plan, n uint64) *page {
	size, each := r.group.pageSize(p, n)
	next := newPage(p.newest, size)
	events := (next.size() - headBytes) / each
	next.slots = uint32(max(n, min(events+events/16, (next.size()-headBytes-p.total)/slotBytes)))
	next.ordinal, next.oldest = p.cur.ordinal+1, max(1, p.cur.oldest)
	for ; next.oldest < p.cur.ordinal; next.oldest++ {
		if o := p.dir.page(next.oldest); o != nil && o.base+uint64(o.count.Load()) >= p.kept {
			break
		}
	}
	if next.oldest == p.cur.ordinal && p.newest < p.kept {
		next.oldest++
	}
	r.noteCosts(next, p)
	return next
}

// noteCosts notes in next what the events cost that will go while it is the current page.
func (r *Ring) noteCosts(next *page, p *plan) {
	full := uint64(next.slots) + 1
	if count := p.newest + 1 - p.kept; int64(count+full) <= int64(r.group.maxEvents) &&
		p.rest+p.rest/8+next.bytes()+int64(full)*Overhead <= r.group.maxBytes {
		return // nothing will go
	}
	seq := p.kept
	last := min(p.newest, seq+uint64(next.slots)-1)
	next.costsFrom = uint32(seq)
	// They lie in the oldest pages, one after the other. To search for each would read the heads of
	// many others, which nothing else has touched for long.
	for ordinal := next.oldest; seq <= last; ordinal++ {
		at := p.cur
		if ordinal < at.ordinal {
			at = p.dir.page(ordinal)
		}
		if at == nil || at.base >= seq {
			return // p is out of date
		}
		for end := min(last, p.last(at)); seq <= end; seq++ {
			next.slot(seq - p.kept).goes = uint32(at.of(seq).cost())
		}
	}
	next.costs = uint32(seq - p.kept)
}

package ring

import (
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/step"
)

// A directory leads to the complete pages, and to the index. The header is immutable: growing
// either swaps in another one, which shares the other part.
//
// A page is entered before the next page becomes cur, so that a goroutine which loads dir after cur
// finds all pages before that one. It is taken out when a new page is published and none of its
// events is retained any more, or is overwritten by a page that uses the same entry. A goroutine
// that was held up may enter a page whose events have all gone: it looks again, and takes the page
// out.
//
// A page is counted in Ring.books by the goroutine that makes it cur, and counted off by the first
// one that takes it out, which page.dropped tells.
type directory struct {
	entries []atomic.Pointer[page] // by ordinal modulo their number, a power of two; written by settle and sweep
	index   index
}

// noDirectory is the directory of a ring with one page or none, and no index.
var noDirectory directory

const minEntries = 4

func (d *directory) entry(ordinal uint64) *atomic.Pointer[page] {
	return &d.entries[ordinal&uint64(len(d.entries)-1)]
}

// page returns the complete page of that ordinal, or nil when it has gone.
func (d *directory) page(ordinal uint64) *page {
	if len(d.entries) == 0 {
		return nil
	}
	if p := d.entry(ordinal).Load(); p != nil && p.ordinal == ordinal {
		return p
	}
	return nil
}

// find returns the page of seq among those before cur, or nil when it has gone. Bases rise with
// ordinals, and pages that have gone are older than all that are there.
func (d *directory) find(cur *page, seq uint64) *page {
	step.At(step.ReaderEntry)
	if p := d.guess(cur, seq); p != nil {
		return p
	}
	before := cur.ordinal
	low, high := before-min(before, uint64(len(d.entries))), before
	var found *page
	for low < high {
		mid := (low + high) / 2
		p := d.page(mid)
		if p != nil && p.base >= seq {
			high = mid
		} else {
			low, found = mid+1, p
		}
	}
	return found.holding(seq)
}

// guess returns the page of seq if it is where it would be if all pages held as many events as the
// last complete one. Mostly it is there, and a search would read the heads of several pages, each
// of which may be far from any cache.
func (d *directory) guess(cur *page, seq uint64) *page {
	last := d.page(cur.ordinal - 1)
	if last == nil || seq > last.base {
		return last.holding(seq)
	}
	back := 1 + (last.base-seq)/(cur.base-last.base)
	return d.page(last.ordinal - min(back, last.ordinal)).holding(seq)
}

// holding returns p if seq is in it, and p is complete.
func (p *page) holding(seq uint64) *page {
	if p == nil || seq <= p.base || seq > p.base+uint64(p.count.Load()) {
		return nil
	}
	return p
}

// enter puts a complete page into the directory.
func (r *Ring) enter(d *directory, p *page) {
	e := d.entry(p.ordinal)
	for {
		old := e.Load()
		step.At(step.Entering)
		if old != nil && old.ordinal >= p.ordinal {
			return
		}
		if e.CompareAndSwap(old, p) {
			if old != nil {
				r.drop(old)
			}
			return
		}
	}
}

// sweep takes out the pages from ordinal low on that hold nothing from sequence first on. Those
// after them do.
func (r *Ring) sweep(d *directory, low, before, first uint64) {
	for ; low < before && len(d.entries) > 0; low++ {
		p := d.page(low)
		if p == nil {
			continue
		}
		if p.base+uint64(p.count.Load()) >= first {
			return
		}
		step.At(step.Sweeping)
		if d.entry(low).CompareAndSwap(p, nil) {
			r.drop(p)
		}
	}
}

func (r *Ring) drop(p *page) {
	if p.dropped.CompareAndSwap(0, 1) {
		r.account(-p.bytes())
	}
}

// grown returns room for pages first to last, with those before last in it.
func (d *directory) grown(first, last uint64) []atomic.Pointer[page] {
	n := max(minEntries, len(d.entries))
	for uint64(n) <= last-first {
		n *= 2
	}
	entries := make([]atomic.Pointer[page], n)
	for ordinal := first; ordinal < last; ordinal++ {
		if p := d.page(ordinal); p != nil {
			entries[ordinal&uint64(n-1)].Store(p)
		}
	}
	return entries
}

func (d *directory) bytes() int64 {
	if d == &noDirectory {
		return 0
	}
	return 48 + int64(len(d.entries))*8 + int64(len(d.index))*bucketBytes
}

package ring

import "sync/atomic"

// The index leads from an event ID to a sequence. Each entry is a word: tagBits of the ID's hash, then the sequence. An ID may stand in either
// of two buckets, which follow from the tag alone, so that a table can be copied without looking at records.
//
// Nothing is deleted: an entry whose sequence has left the window is dead, and the next ID that wants its place takes it. An entry newer than
// the caller's tail is alive. A hit counts once the record's whole ID has been compared. An ID for which both buckets are full is
// counted as lost, and while one such is retained a lookup that finds nothing looks at the records themselves: the index is never wrong.
// At the density of a full ring, half, that does not happen by chance.
type bucket [8]atomic.Uint64 // a cache line

const (
	tagBits = 24
	tagPos  = 64 - tagBits
	seqMask = 1<<tagPos - 1
)

// newIndex has room for twice as many entries as there are slots.
func newIndex(slots int) []bucket { return make([]bucket, slots/4) }

// buckets returns the two homes of a tag, which may be the same.
func (t *table) buckets(tag uint32) (*bucket, *bucket) {
	mask := uint32(len(t.index) - 1)
	return &t.index[tag&mask], &t.index[tag*0x9E3779B1>>8&mask]
}

// A find is a retained event.
type find struct {
	seq uint64
	rec *record
}

// find looks for id among the events that tail retains; tag is the ID's hash when t has an index. Everything that tail retains is found: t was
// loaded after tail, so it has these entries, and only dead ones are ever overwritten.
func (r *Ring) find(tail uint64, t *table, id string, tag uint32) (find, bool) {
	if seq, ok := r.assignedSeq(id); ok {
		if f, ok := r.confirm(tail, t, id, seq); ok {
			return f, true
		}
	}
	if t.index == nil {
		return find{}, false
	}
	a, b := t.buckets(tag)
	for _, bucket := range [2]*bucket{a, b} {
		for i := range bucket {
			if w := bucket[i].Load(); w>>tagPos == uint64(tag) {
				if f, ok := r.confirm(tail, t, id, w&seqMask); ok {
					return f, true
				}
			}
		}
	}
	if lost := t.lost.Load(); lost >= tailFirst(tail) {
		return r.scan(tail, t, id)
	}
	return find{}, false
}

// confirm reports whether seq is retained and has that ID.
func (r *Ring) confirm(tail uint64, t *table, id string, seq uint64) (find, bool) {
	if !retained(tail, seq) {
		return find{}, false
	}
	rec, ok := r.record(t, seq)
	return find{seq, rec}, ok && rec.id() == id
}

func (r *Ring) scan(tail uint64, t *table, id string) (find, bool) {
	for seq := tailFirst(tail); seq <= tailSeq(tail); seq++ {
		if f, ok := r.confirm(tail, t, id, seq); ok {
			return f, true
		}
	}
	return find{}, false
}

// insert enters seq, the sequence after tail, under tag. Several goroutines may do so at once and late ones long afterwards: then they
// find the entry, or put one that is dead in the place of another dead one.
func (r *Ring) insert(t *table, tail, seq uint64, tag uint32) {
	first, entry := tailFirst(tail), uint64(tag)<<tagPos|seq
	a, b := t.buckets(tag)
	for {
		cell, old, live, there := a.vacancy(entry, first)
		if there {
			return
		}
		if a != b {
			cellB, oldB, liveB, there := b.vacancy(entry, first)
			if there {
				return
			}
			if liveB < live {
				cell, old = cellB, oldB
			}
		}
		if cell == nil {
			t.lose(seq)
			return
		}
		if cell.CompareAndSwap(old, entry) {
			return
		}
	}
}

// vacancy returns the first cell of the bucket whose entry is dead and how many are alive, or that the entry is there already.
func (b *bucket) vacancy(entry, first uint64) (cell *atomic.Uint64, old uint64, live int, there bool) {
	for i := range b {
		switch w := b[i].Load(); {
		case w == entry:
			return nil, 0, 0, true
		case w&seqMask >= first:
			live++
		case cell == nil:
			cell, old = &b[i], w
		}
	}
	return cell, old, live, false
}

// lose notes that the ID of seq is not in the index.
func (t *table) lose(seq uint64) {
	for {
		lost := t.lost.Load()
		if lost >= seq || t.lost.CompareAndSwap(lost, seq) {
			return
		}
	}
}

// copyIndex enters what tail retains of old into next, which nobody else has seen. A table without an index has no event that needs one.
func (r *Ring) copyIndex(old, next *table, tail uint64) {
	if old.index == nil || next.index == nil {
		return
	}
	if old.lost.Load() >= tailFirst(tail) {
		for seq := tailFirst(tail); seq <= tailSeq(tail); seq++ {
			if rec, ok := r.record(old, seq); ok && rec.isIndexed() {
				r.insert(next, tail, seq, r.hash(rec.id()))
			}
		}
		return
	}
	for i := range old.index {
		for j := range old.index[i] {
			if w := old.index[i][j].Load(); retained(tail, w&seqMask) {
				r.insert(next, tail, w&seqMask, uint32(w>>tagPos))
			}
		}
	}
}

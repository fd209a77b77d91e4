package ring

import (
	"math/bits"
	"sync/atomic"
)

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

// A vacancy is where a new entry goes: a cell that held old, whose sequence is no longer retained. No cell: both buckets are full.
type vacancy struct {
	cell *atomic.Uint64
	old  uint64
}

// find looks for id among the events that tail retains; tag is the ID's hash when t has an index. Everything that tail retains is found: t was
// loaded after tail, so it has these entries, and only dead ones are ever overwritten. When nothing is found, v is where the ID's entry may go.
func (r *Ring) find(tail uint64, t *table, id string, tag uint32) (f find, v vacancy, found bool) {
	if r.ownTag(id) {
		if seq, ok := r.assignedSeq(id); ok {
			if f, ok = r.confirm(tail, t, id, seq); ok {
				return f, v, true
			}
		}
	}
	if t.index == nil {
		return f, v, false
	}
	first := tailFirst(tail)
	a, b := t.buckets(tag)
	deadA, hit := a.look(tag, first)
	if hit {
		if f, found = r.lookUp(tail, t, a, id, tag); found {
			return f, v, true
		}
	}
	deadB := uint64(0)
	if b != a {
		if deadB, hit = b.look(tag, first); hit {
			if f, found = r.lookUp(tail, t, b, id, tag); found {
				return f, v, true
			}
		}
	}
	v = emptier(a, b, deadA, deadB, first)
	if lost := t.lost.Load(); lost >= first {
		f, found = r.scan(tail, t, id)
	}
	return f, v, found
}

// look returns the cells whose entries are dead, as bits 56 and up, and whether one has that tag. It does without branches on what the entries
// are, for no processor can predict these.
func (b *bucket) look(tag uint32, first uint64) (dead uint64, hit bool) {
	for i := range b {
		w := b[i].Load()
		dead = dead>>1 | (w&seqMask-first)&(1<<63)
		hit = hit || w>>tagPos == uint64(tag)
	}
	return dead, hit
}

// lookUp looks for id among the entries of a bucket that have its tag.
func (r *Ring) lookUp(tail uint64, t *table, b *bucket, id string, tag uint32) (find, bool) {
	for i := range b {
		if w := b[i].Load(); w>>tagPos == uint64(tag) {
			if f, ok := r.confirm(tail, t, id, w&seqMask); ok {
				return f, true
			}
		}
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

// insert enters seq, the sequence after tail, under tag, in v if its owner knows that place from find. Several goroutines may do so at once and late
// ones long afterwards: then they find the entry, or put another one, or one that is dead, in the place of a dead one.
func (r *Ring) insert(t *table, tail, seq uint64, tag uint32, v vacancy) {
	entry := uint64(tag)<<tagPos | seq
	a, b := t.buckets(tag)
	for v.cell == nil || !v.cell.CompareAndSwap(v.old, entry) {
		if a.has(entry) || b.has(entry) {
			return
		}
		first := tailFirst(tail)
		deadA, _ := a.look(tag, first)
		deadB, _ := b.look(tag, first)
		if deadA|deadB == 0 {
			t.lose(seq)
			return
		}
		v = emptier(a, b, deadA, deadB, first)
	}
}

// emptier returns the first dead cell of the bucket that has more of them, as look has found them; none when its entry is alive by now.
func emptier(a, b *bucket, deadA, deadB, first uint64) (v vacancy) {
	if bits.OnesCount64(deadB) > bits.OnesCount64(deadA) {
		a, deadA = b, deadB
	}
	if deadA == 0 {
		return vacancy{}
	}
	v.cell = &a[bits.TrailingZeros64(deadA)&7]
	if v.old = v.cell.Load(); v.old&seqMask >= first {
		return vacancy{}
	}
	return v
}

func (b *bucket) has(entry uint64) bool {
	for i := range b {
		if b[i].Load() == entry {
			return true
		}
	}
	return false
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
				r.insert(next, tail, seq, r.hash(rec.id()), vacancy{})
			}
		}
		return
	}
	for i := range old.index {
		for j := range old.index[i] {
			if w := old.index[i][j].Load(); retained(tail, w&seqMask) {
				r.insert(next, tail, w&seqMask, uint32(w>>tagPos), vacancy{})
			}
		}
	}
}

package ring

import (
	"math/bits"
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/step"
)

// The index leads from an event ID to a sequence. Each entry is a word: tagBits of the ID's hash,
// then the sequence. An ID may stand in either of two buckets, which follow from the tag alone, so
// that an index can be copied without looking at events.
//
// Nothing is deleted: an entry whose sequence is no longer retained is dead, and the next ID that
// wants its place takes it, with a swap. So the word in one place only rises. A hit counts once the
// event's whole ID has been compared, so an entry that was put for an event which was never
// published is harmless. An ID for which both buckets are full is counted as lost, and while one
// such is retained a lookup that finds nothing looks at all events: the index is never wrong. At
// the density of a full ring, half, that does not happen by chance.
//
// An index is a power of two of buckets, and one more whose first word is the newest sequence that
// was lost.
type index []bucket

type bucket [8]atomic.Uint64 // a cache line

const (
	bucketBytes  = 64
	bucketEvents = 4 // retained events for each bucket, when the index is as full as it gets
	minBuckets   = 2

	tagBits = 24
	tagPos  = 64 - tagBits
	seqMask = 1<<tagPos - 1
)

func newIndex(buckets int) index { return make(index, buckets+1) }

func (x index) buckets() int         { return max(0, len(x)-1) }
func (x index) lost() *atomic.Uint64 { return &x[len(x)-1][0] }

// homes returns the two buckets of a tag. They differ, unless there is one bucket only: an ID with
// one home would be lost as soon as that is full, which happens once in ten million appends.
func (x index) homes(tag uint32) (*bucket, *bucket) {
	mask := uint32(len(x) - 2)
	i, j := tag&mask, tag*0x9E3779B1>>8&mask
	if i == j {
		j = (i ^ 1) & mask
	}
	return &x[i], &x[j]
}

// A vacancy is where a new entry goes: a cell that held old, whose sequence is no longer retained.
// No cell: both buckets are full.
type vacancy struct {
	cell *atomic.Uint64
	old  uint64
}

// find looks for id among the events that are retained at v; tag is its hash. When nothing is
// found, free is where the ID's entry may go. An event that has gone since v was loaded may not be
// found.
func (r *Ring) find(v *view, id string, tag uint32) (seq uint64, p *page, free vacancy) {
	if r.ownTag(id) {
		if seq, ok := r.assignedSeq(id); ok {
			if p = v.confirm(id, seq); p != nil {
				return seq, p, free
			}
		}
	}
	x := v.dir.index
	if len(x) == 0 {
		return 0, nil, free
	}
	a, b := x.homes(tag)
	deadA, hit := a.look(tag, v.first)
	if hit {
		if seq, p = v.lookUp(a, id, tag); p != nil {
			return seq, p, free
		}
	}
	deadB, hit := b.look(tag, v.first)
	if hit {
		if seq, p = v.lookUp(b, id, tag); p != nil {
			return seq, p, free
		}
	}
	if x.lost().Load() >= v.first {
		for seq = v.first; seq <= v.newest; seq++ {
			if p = v.confirm(id, seq); p != nil {
				return seq, p, free
			}
		}
	}
	return 0, nil, emptier(a, b, deadA, deadB, v.first)
}

// look returns the cells whose entries are dead, as bits 56 and up, and whether one has that tag.
// It does without branches on what the entries are, for no processor can predict these.
func (b *bucket) look(tag uint32, first uint64) (dead uint64, hit bool) {
	for i := range b {
		w := b[i].Load()
		dead = dead>>1 | (w&seqMask-first)&(1<<63)
		hit = hit || w>>tagPos == uint64(tag)
	}
	return dead, hit
}

// lookUp looks for id among the entries of a bucket that have its tag.
func (v *view) lookUp(b *bucket, id string, tag uint32) (uint64, *page) {
	for i := range b {
		if w := b[i].Load(); w>>tagPos == uint64(tag) {
			if p := v.confirm(id, w&seqMask); p != nil {
				return w & seqMask, p
			}
		}
	}
	return 0, nil
}

// confirm returns the page of seq if that is retained at v, has that ID, and has not gone since.
func (v *view) confirm(id string, seq uint64) *page {
	if seq < v.first || seq > v.newest {
		return nil
	}
	p := v.page(seq)
	if p == nil || p.id(p.of(seq)) != id {
		return nil
	}
	return p
}

// insert enters an entry, in v if that is still free, where first is the oldest sequence that is
// retained before the entry's. Several goroutines may enter the same one, and late ones long
// afterwards: they put it, or one that is dead by now, in the place of an older dead one.
func (x index) insert(entry, first uint64, v vacancy) {
	a, b := x.homes(uint32(entry >> tagPos))
	for {
		step.At(step.Inserting)
		if v.cell != nil && v.cell.CompareAndSwap(v.old, entry) {
			return
		}
		deadA, _ := a.look(0, first)
		deadB, _ := b.look(0, first)
		if deadA|deadB == 0 {
			break
		}
		v = emptier(a, b, deadA, deadB, first)
	}
	for seq := entry & seqMask; ; {
		lost := x.lost().Load()
		if lost >= seq || x.lost().CompareAndSwap(lost, seq) {
			return
		}
	}
}

// emptier returns the first dead cell of the bucket that has more of them, as look has found them;
// none when its entry is alive by now.
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

func (x index) has(entry uint64) bool {
	a, b := x.homes(uint32(entry >> tagPos))
	for i := range a {
		if a[i].Load() == entry || b[i].Load() == entry {
			return true
		}
	}
	return false
}

// A largerIndex is one that an appender is making, with all that is retained up to a sequence. It
// is the appender's alone until a proposal with it is sealed, and then that appender needs no
// other. It is kept from one try to the next: copying a million entries takes longer than others
// take to publish, and what they publish meanwhile is added.
type largerIndex struct {
	from index // what it is to replace
	to   index
	upTo uint64
}

// catchUp makes l an index for what is retained at v and more events.
func (l *largerIndex) catchUp(r *Ring, v *view, more uint64) {
	old := v.dir.index
	buckets := max(minBuckets, 2*old.buckets())
	for uint64(buckets)*bucketEvents < v.newest+1-v.first+more {
		buckets *= 2
	}
	same := len(l.from) == len(old) && (len(old) == 0 || &l.from[0] == &old[0])
	if l.to != nil && same && l.to.buckets() >= buckets {
		l.add(r, v, max(l.upTo+1, v.first))
		return
	}
	l.from, l.to = old, newIndex(buckets)
	if len(old) == 0 {
		l.upTo = v.newest
		return // an event that needs an entry has one
	}
	if old.lost().Load() >= v.first {
		l.add(r, v, v.first)
		return
	}
	for i := range old.buckets() {
		for j := range old[i] {
			if w := old[i][j].Load(); w&seqMask >= v.first && w&seqMask <= v.newest {
				l.to.insert(w, v.first, vacancy{})
			}
		}
	}
	l.upTo = v.newest
}

// add enters the events from seq on that need entries.
func (l *largerIndex) add(r *Ring, v *view, seq uint64) {
	for ; seq <= v.newest; seq++ {
		if p := v.page(seq); p != nil {
			if s := p.of(seq); s.isIndexed() {
				l.to.insert(uint64(r.hash(p.id(s)))<<tagPos|seq, v.first, vacancy{})
			}
		}
	}
	l.upTo = v.newest
}

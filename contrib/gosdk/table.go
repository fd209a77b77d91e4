package gosdk

// table remembers streams by a 64-bit hash of their ID, in order of their last use, and forgets the least recently used one when
// it is full. A session collects one stream per call for as long as it lives, most of them drained, so an entry is what
// such a stream costs for good: 24 bytes, 2.7 to 5.3 for its bucket and under one for its page, 32 at most.
//
// Entries lie in pages that never move, so growing copies nothing but bucket heads. They hold no pointers: the collector does not look
// inside. Buckets are singly linked chains of entry numbers, 0 ending them; the order of use is a doubly linked list of the same
// numbers. Finding, adding, touching and forgetting take constant time on average, whatever the number of entries; only
// add may allocate. Open addressing would need tombstones here, for forgetting deletes at the rate of adding, and a Go map
// together with an order costs more than 60 bytes an entry.
//
// Invariants:
//  1. Every entry is in exactly the chain of its hash, and no hash is there twice.
//  2. Every entry but the pinned one is in the order exactly once.
//  3. An entry that is not in the table has no other trace: whoever meets its hash again must not take it for new.
//     Callers that number streams therefore add in Open alone and refuse unknown hashes elsewhere.
//
// Two streams of one session share a hash with a probability below 1e-9 for a full table; the seed is random, so nobody can arrange it.
//
// A table is not safe for concurrent use; its owner's mutex guards it.
type table struct {
	pages  []*[pageEntries]entry
	heads  []uint32 // a power of two of them; between 2/3 and 4/3 for each entry once there are more than a few
	count  uint32
	limit  uint32 // entries kept; at least 2, at most maxEntries
	newest uint32 // ends of the order of use; 0 when empty
	oldest uint32
	pinned uint32 // the entry that is never forgotten; 0: none
}

// entry is one remembered stream. Its 24 bytes are a promise (see TestEntryIs24Bytes).
type entry struct {
	hash  uint64
	word  uint64 // the stream's next index (40 bits), the next entry of its bucket (24 bits)
	newer uint32
	older uint32
}

const (
	pageEntries = 32 // 768 bytes, an exact size class of the allocator
	firstHeads  = 8
	chainBits   = 24
	maxEntries  = 1<<chainBits - 1
	maxIndex    = 1<<(64-chainBits) - 1 // as far as the ring's own sequences go
)

func (e *entry) next() uint64  { return e.word >> chainBits }
func (e *entry) chain() uint32 { return uint32(e.word & maxEntries) }

func (e *entry) setNext(index uint64) { e.word = index<<chainBits | e.word&maxEntries }
func (e *entry) setChain(n uint32)    { e.word = e.word&^maxEntries | uint64(n) }

// at returns entry n, which counts from 1. The pointer stays valid for as long as the table.
func (t *table) at(n uint32) *entry { return &t.pages[(n-1)/pageEntries][(n-1)%pageEntries] }

func (t *table) head(hash uint64) *uint32 { return &t.heads[hash&uint64(len(t.heads)-1)] }

// find returns the entry of hash, 0 when there is none.
func (t *table) find(hash uint64) uint32 {
	if len(t.heads) == 0 {
		return 0
	}
	n := *t.head(hash)
	for n != 0 && t.at(n).hash != hash {
		n = t.at(n).chain()
	}
	return n
}

// add enters hash, which is not in the table, with next index 0, as the most recently used; a full table
// forgets the least recently used entry first.
func (t *table) add(hash uint64) uint32 {
	n := t.count + 1
	if t.count == t.limit {
		n = t.forget()
	} else {
		t.count++
		t.grow()
	}
	e := t.at(n)
	*e = entry{hash: hash}
	t.chainIn(n, e)
	t.link(n, e)
	return n
}

// grow makes room for entry number t.count.
func (t *table) grow() {
	if t.count > uint32(len(t.pages)*pageEntries) {
		t.pages = append(t.pages, new([pageEntries]entry))
	}
	if uint64(t.count)*2 <= uint64(len(t.heads))*3 {
		return
	}
	t.heads = make([]uint32, max(firstHeads, 2*len(t.heads)))
	for n := uint32(1); n < t.count; n++ {
		t.chainIn(n, t.at(n))
	}
}

func (t *table) chainIn(n uint32, e *entry) {
	head := t.head(e.hash)
	e.setChain(*head)
	*head = n
}

// pin exempts an entry from being forgotten: the standalone stream, which is open for as long as its session.
func (t *table) pin(n uint32) {
	t.unlink(t.at(n))
	t.pinned = n
}

// touch makes entry n the most recently used.
func (t *table) touch(n uint32) {
	if n == t.newest || n == t.pinned {
		return
	}
	e := t.at(n)
	t.unlink(e)
	t.link(n, e)
}

func (t *table) link(n uint32, e *entry) {
	e.older, e.newer = t.newest, 0
	if t.newest != 0 {
		t.at(t.newest).newer = n
	} else {
		t.oldest = n
	}
	t.newest = n
}

func (t *table) unlink(e *entry) {
	if e.newer != 0 {
		t.at(e.newer).older = e.older
	} else {
		t.newest = e.older
	}
	if e.older != 0 {
		t.at(e.older).newer = e.newer
	} else {
		t.oldest = e.newer
	}
}

// forget takes the least recently used entry out and returns its number for reuse.
func (t *table) forget() uint32 {
	n := t.oldest
	e := t.at(n)
	t.unlink(e)
	head := t.head(e.hash)
	if *head == n {
		*head = e.chain()
		return n
	}
	prev := t.at(*head)
	for prev.chain() != n {
		prev = t.at(prev.chain())
	}
	prev.setChain(e.chain())
	return n
}

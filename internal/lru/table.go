// Package lru remembers a number for each of the keys that were used last, in little memory: a
// stream's next index, say, or what is known of a session that has ended. Keys are 64-bit hashes;
// whoever makes them sees to it that nobody can arrange for two to be equal.
package lru

// A Table holds a value for each key, in order of the keys' last use, and forgets the least
// recently used one when it is full. A key costs 24 bytes, 2.7 to 5.3 for its bucket and under one
// for its page: 32 at most.
//
// Entries lie in pages that never move, so growing copies nothing but bucket heads. They hold no
// pointers: the collector does not look inside. Buckets are singly linked chains of entry numbers,
// 0 ending them; the order of use is a doubly linked list of the same numbers. All methods take
// constant time on average; only Set may allocate. Open addressing would need tombstones here, for
// forgetting deletes at the rate of adding, and a Go map together with an order costs more than 60
// bytes an entry.
//
// Invariants:
//  1. Every entry in use is in exactly the chain of its key, and no key is there twice.
//  2. Every entry in use but the pinned one is in the order exactly once.
//  3. Every other entry is in the list of free ones, which is empty whenever the table grows.
//
// The zero Table is empty and takes up to MaxKeys keys. It is not safe for concurrent use: its
// owner's mutex guards it.
type Table struct {
	Limit uint32 // keys that are kept, 2 to MaxKeys; 0 means MaxKeys. Not to be changed once there is a key

	pages  []*[pageEntries]entry
	heads  []uint32 // a power of two of them; between 2/3 and 4/3 for each entry once there are more than a few
	count  uint32   // entries that exist, in use or free
	used   uint32
	newest uint32 // ends of the order of use; 0 when empty
	oldest uint32
	pinned uint32 // the entry that is never forgotten; 0: none
	free   uint32 // the first of the free entries, chained through newer; 0: none
}

// entry is one remembered key. Its 24 bytes are a promise (see TestEntryIs24Bytes).
type entry struct {
	key   uint64
	word  uint64 // the value (40 bits), the next entry of its bucket (24 bits)
	newer uint32
	older uint32
}

const (
	pageEntries = 32 // 768 bytes, an exact size class of the allocator
	firstHeads  = 8
	chainBits   = 24

	MaxKeys  = 1<<chainBits - 1      // of one Table
	MaxValue = 1<<(64-chainBits) - 1 // of one key
)

func (e *entry) value() uint64 { return e.word >> chainBits }
func (e *entry) chain() uint32 { return uint32(e.word & MaxKeys) }

func (e *entry) setValue(value uint64) { e.word = value<<chainBits | e.word&MaxKeys }
func (e *entry) setChain(n uint32)     { e.word = e.word&^MaxKeys | uint64(n) }

// Len is how many keys the table holds.
func (t *Table) Len() int { return int(t.used) }

// Get returns the value of key, and whether the table holds it. It is no use of the key.
func (t *Table) Get(key uint64) (value uint64, ok bool) {
	n := t.find(key)
	if n == 0 {
		return 0, false
	}
	return t.at(n).value(), true
}

// Set gives key a value, at most MaxValue, and makes it the most recently used. A key that is new
// to a full table takes the place of the least recently used one.
func (t *Table) Set(key, value uint64) {
	n := t.find(key)
	if n == 0 {
		n = t.add(key)
	} else {
		t.touch(n)
	}
	t.at(n).setValue(value)
}

// Pin exempts a key that the table holds from being forgotten. One key at a time is exempt.
func (t *Table) Pin(key uint64) {
	n := t.find(key)
	if n == 0 || n == t.pinned {
		return
	}
	if t.pinned != 0 {
		t.link(t.pinned, t.at(t.pinned))
	}
	t.unlink(t.at(n))
	t.pinned = n
}

// Drop forgets key.
func (t *Table) Drop(key uint64) {
	n := t.find(key)
	if n == 0 {
		return
	}
	e := t.at(n)
	if n == t.pinned {
		t.pinned = 0
	} else {
		t.unlink(e)
	}
	t.unchain(n, e)
	*e = entry{newer: t.free}
	t.free = n
	t.used--
}

// at returns entry n, which counts from 1. The pointer stays valid for as long as the table.
func (t *Table) at(n uint32) *entry { return &t.pages[(n-1)/pageEntries][(n-1)%pageEntries] }

func (t *Table) head(key uint64) *uint32 { return &t.heads[key&uint64(len(t.heads)-1)] }

// find returns the entry of key, 0 when there is none.
func (t *Table) find(key uint64) uint32 {
	if len(t.heads) == 0 {
		return 0
	}
	n := *t.head(key)
	for n != 0 && t.at(n).key != key {
		n = t.at(n).chain()
	}
	return n
}

// add enters key, which is not in the table, as the most recently used.
func (t *Table) add(key uint64) uint32 {
	n := t.place()
	e := t.at(n)
	*e = entry{key: key}
	t.chainIn(n, e)
	t.link(n, e)
	t.used++
	return n
}

// place returns an entry that is not in use.
func (t *Table) place() uint32 {
	if t.Limit == 0 {
		t.Limit = MaxKeys
	}
	if t.free == 0 && t.count == t.Limit {
		t.Drop(t.at(t.oldest).key)
	}
	if n := t.free; n != 0 {
		t.free = t.at(n).newer
		return n
	}
	t.count++
	t.grow()
	return t.count
}

// grow makes room for entry number t.count. All entries before it are in use.
func (t *Table) grow() {
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

func (t *Table) chainIn(n uint32, e *entry) {
	head := t.head(e.key)
	e.setChain(*head)
	*head = n
}

func (t *Table) unchain(n uint32, e *entry) {
	head := t.head(e.key)
	if *head == n {
		*head = e.chain()
		return
	}
	prev := t.at(*head)
	for prev.chain() != n {
		prev = t.at(prev.chain())
	}
	prev.setChain(e.chain())
}

// touch makes entry n the most recently used.
func (t *Table) touch(n uint32) {
	if n == t.newest || n == t.pinned {
		return
	}
	e := t.at(n)
	t.unlink(e)
	t.link(n, e)
}

func (t *Table) link(n uint32, e *entry) {
	e.older, e.newer = t.newest, 0
	if t.newest != 0 {
		t.at(t.newest).newer = n
	} else {
		t.oldest = n
	}
	t.newest = n
}

func (t *Table) unlink(e *entry) {
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

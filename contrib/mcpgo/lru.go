package mcpgo

// lru keeps a word for each of the keys that were set last, at most limit of them. Its entries hold no pointers, so that the collector does
// not look inside, and lie in one slice that grows as needed: 24 bytes each and 15 to 30 in the map, and what append grows ahead.
//
// The order of use is a circular list of entry numbers through entry 0, which holds no key: its newer is the oldest entry and its older
// the newest. Entries that drop has freed are chained through newer.
//
// All methods take constant time on average. It is not safe for concurrent use.
type lru struct {
	limit   int // at least 1
	places  map[uint64]uint32
	entries []entry
	free    uint32 // 0: none
}

type entry struct {
	key, word    uint64
	newer, older uint32
}

// get returns the word of key, 0 when there is none.
func (l *lru) get(key uint64) uint64 {
	if n, ok := l.places[key]; ok {
		return l.entries[n].word
	}
	return 0
}

// set gives key a word and makes it the most recently used.
func (l *lru) set(key, word uint64) {
	n, known := l.places[key]
	if known {
		l.unlink(n)
	} else {
		n = l.place()
		l.places[key] = n
	}
	newest := l.entries[0].older
	l.entries[n] = entry{key: key, word: word, older: newest}
	l.entries[newest].newer = n
	l.entries[0].older = n
}

// place returns an entry that is in no list, forgetting the least recently used key when there is no room for another.
func (l *lru) place() uint32 {
	if l.places == nil {
		l.places, l.entries = map[uint64]uint32{}, make([]entry, 1)
	}
	if len(l.places) == l.limit {
		l.drop(l.entries[l.entries[0].newer].key)
	}
	if n := l.free; n != 0 {
		l.free = l.entries[n].newer
		return n
	}
	l.entries = append(l.entries, entry{})
	return uint32(len(l.entries) - 1)
}

// drop forgets key.
func (l *lru) drop(key uint64) {
	n, known := l.places[key]
	if !known {
		return
	}
	delete(l.places, key)
	l.unlink(n)
	l.entries[n] = entry{newer: l.free}
	l.free = n
}

func (l *lru) unlink(n uint32) {
	e := l.entries[n]
	l.entries[e.newer].older = e.older
	l.entries[e.older].newer = e.newer
}

package mcpgo

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// plainLRU is the obvious way to do it.
type plainLRU struct {
	limit int
	order []uint64 // the oldest first
	words map[uint64]uint64
}

func (p *plainLRU) set(key, word uint64) {
	p.drop(key)
	if len(p.order) == p.limit {
		p.drop(p.order[0])
	}
	p.order, p.words[key] = append(p.order, key), word
}

func (p *plainLRU) drop(key uint64) {
	p.order = slices.DeleteFunc(p.order, func(k uint64) bool { return k == key })
	delete(p.words, key)
}

func TestTheLeastRecentlyUsedKeyIsForgotten(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 10, 100} {
		rng := rand.New(rand.NewPCG(1, uint64(limit)))
		l, plain := lru{limit: limit}, plainLRU{limit: limit, words: map[uint64]uint64{}}
		for range 5000 {
			key := rng.Uint64N(uint64(2*limit) + 1)
			if word := rng.Uint64(); word%4 == 0 {
				l.drop(key)
				plain.drop(key)
			} else {
				l.set(key, word)
				plain.set(key, word)
			}
			if key = rng.Uint64N(uint64(2*limit) + 1); l.get(key) != plain.words[key] || len(l.places) != len(plain.order) || len(l.entries) > limit+1 {
				t.Fatalf("limit %d: get(%d) = %d of %d in %d entries, want %d of %d",
					limit, key, l.get(key), len(l.places), len(l.entries), plain.words[key], len(plain.order))
			}
		}
	}
}

func TestAnIDIsRememberedIn72Bytes(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p := newPast(MaxRemembered)
	for i := range uint64(2 * MaxRemembered) {
		p.ids.set(i*0x9e3779b97f4a7c15, i)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := float64(after.HeapAlloc-before.HeapAlloc) / MaxRemembered; each > 72 || len(p.ids.places) != MaxRemembered {
		t.Fatalf("%d IDs, %.1f bytes each", len(p.ids.places), each)
	} else {
		t.Logf("%.1f bytes each", each)
	}
	runtime.KeepAlive(p)
}

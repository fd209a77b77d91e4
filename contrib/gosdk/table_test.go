package gosdk

import (
	"container/list"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"
)

func TestEntryIs24Bytes(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); size != 24 {
		t.Fatalf("an entry takes %d bytes, want 24", size)
	}
}

func TestNextAndChainShareAWordWithoutMeeting(t *testing.T) {
	var e entry
	e.setNext(maxIndex)
	e.setChain(maxEntries)
	if e.next() != maxIndex || e.chain() != maxEntries {
		t.Fatalf("next %d, chain %d", e.next(), e.chain())
	}
	e.setNext(5)
	if e.next() != 5 || e.chain() != maxEntries {
		t.Fatalf("setNext(5): next %d, chain %d", e.next(), e.chain())
	}
	e.setChain(0)
	if e.next() != 5 || e.chain() != 0 {
		t.Fatalf("setChain(0): next %d, chain %d", e.next(), e.chain())
	}
}

// lru is the model of table: a map and a list.
type lru struct {
	limit  int
	order  *list.List // of uint64, oldest first
	place  map[uint64]*list.Element
	pinned uint64
}

func (m *lru) add(hash uint64) {
	if len(m.place) == m.limit {
		delete(m.place, m.order.Remove(m.order.Front()).(uint64))
	}
	m.place[hash] = m.order.PushBack(hash)
}

func (m *lru) touch(hash uint64) {
	if hash != m.pinned {
		m.order.MoveToBack(m.place[hash])
	}
}

func (m *lru) pin(hash uint64) {
	m.order.Remove(m.place[hash])
	m.place[hash] = nil
	m.pinned = hash
}

func TestTableForgetsTheLeastRecentlyUsedAndNothingElse(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limit := 2 + rng.IntN(200)
		// Few distinct hashes with equal low bits, so that chains are long.
		hash := func() uint64 { return uint64(rng.IntN(3*limit))<<3 | 1 }
		tab := table{limit: uint32(limit)}
		model := lru{limit: limit, order: list.New(), place: map[uint64]*list.Element{}}
		for op := range 5000 {
			h := hash()
			n := tab.find(h)
			_, known := model.place[h]
			if known != (n != 0) {
				t.Fatalf("seed %d, op %d: find(%d) = %d, the model knows it: %v", seed, op, h, n, known)
			}
			if !known {
				n = tab.add(h)
				model.add(h)
			} else {
				tab.touch(n)
				model.touch(h)
			}
			e := tab.at(n)
			e.setNext(e.next() + 1)
			if op == 0 {
				tab.pin(n)
				model.pin(h)
			}
			if e.hash != h {
				t.Fatalf("seed %d, op %d: entry %d holds hash %d, want %d", seed, op, n, e.hash, h)
			}
		}
		checkOrder(t, &tab, &model)
	}
}

func checkOrder(t *testing.T, tab *table, model *lru) {
	t.Helper()
	n := tab.oldest
	for el := model.order.Front(); el != nil; el = el.Next() {
		if n == 0 || tab.at(n).hash != el.Value.(uint64) {
			t.Fatal("the order of use differs from the model's")
		}
		n = tab.at(n).newer
	}
	if n != 0 {
		t.Fatal("the order of use has more entries than the model's")
	}
}

func TestARememberedStreamCosts32BytesAtMostWhateverTheirNumber(t *testing.T) {
	var before, after runtime.MemStats
	for _, n := range []int{1 << 12, 10_000, 49_000, 50_000, 98_000, 99_000, 100_000, MaxStreams} {
		runtime.GC()
		runtime.ReadMemStats(&before)
		tab := table{limit: MaxStreams}
		for i := range uint64(n) {
			tab.add(i * 0x9e3779b97f4a7c15)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
		t.Logf("%7d streams: %.1f bytes each", n, each)
		if each > 32 {
			t.Errorf("%d streams cost %.1f bytes each, want at most 32", n, each)
		}
		runtime.KeepAlive(&tab)
	}
}

func TestALittleSessionCostsLittle(t *testing.T) {
	tab := table{limit: MaxStreams}
	tab.add(1)
	if bytes := len(tab.pages)*int(unsafe.Sizeof(*tab.pages[0])) + 4*len(tab.heads); bytes > 1024 {
		t.Fatalf("the first stream allocates %d bytes, want at most 1024", bytes)
	}
}

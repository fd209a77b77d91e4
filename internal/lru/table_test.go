package lru

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

func TestValueAndChainShareAWordWithoutMeeting(t *testing.T) {
	var e entry
	e.setValue(MaxValue)
	e.setChain(MaxKeys)
	if e.value() != MaxValue || e.chain() != MaxKeys {
		t.Fatalf("value %d, chain %d", e.value(), e.chain())
	}
	e.setValue(5)
	if e.value() != 5 || e.chain() != MaxKeys {
		t.Fatalf("setValue(5): value %d, chain %d", e.value(), e.chain())
	}
	e.setChain(0)
	if e.value() != 5 || e.chain() != 0 {
		t.Fatalf("setChain(0): value %d, chain %d", e.value(), e.chain())
	}
}

// model is the obvious way to do it: a map and a list.
type model struct {
	limit  int
	order  *list.List // of *pair, the oldest first, without the pinned one
	pairs  map[uint64]*list.Element
	pinned *pair
}

type pair struct{ key, value uint64 }

func (m *model) get(key uint64) (uint64, bool) {
	if m.pinned != nil && m.pinned.key == key {
		return m.pinned.value, true
	}
	if e, ok := m.pairs[key]; ok {
		return e.Value.(*pair).value, true
	}
	return 0, false
}

func (m *model) len() int {
	if m.pinned != nil {
		return len(m.pairs) + 1
	}
	return len(m.pairs)
}

func (m *model) set(key, value uint64) {
	if m.pinned != nil && m.pinned.key == key {
		m.pinned.value = value
		return
	}
	if e, ok := m.pairs[key]; ok {
		e.Value.(*pair).value = value
		m.order.MoveToBack(e)
		return
	}
	if m.len() == m.limit {
		delete(m.pairs, m.order.Remove(m.order.Front()).(*pair).key)
	}
	m.pairs[key] = m.order.PushBack(&pair{key, value})
}

func (m *model) pin(key uint64) {
	e, ok := m.pairs[key]
	if !ok {
		return
	}
	delete(m.pairs, key)
	if m.pinned != nil {
		m.pairs[m.pinned.key] = m.order.PushBack(m.pinned)
	}
	m.pinned = m.order.Remove(e).(*pair)
}

func (m *model) drop(key uint64) {
	if m.pinned != nil && m.pinned.key == key {
		m.pinned = nil
	} else if e, ok := m.pairs[key]; ok {
		m.order.Remove(e)
		delete(m.pairs, key)
	}
}

func TestATableForgetsTheLeastRecentlyUsedKeyAndNothingElse(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limit := 2 + rng.IntN(200)
		// Few distinct keys with equal low bits, so that chains are long.
		key := func() uint64 { return uint64(rng.IntN(3*limit))<<3 | 1 }
		table := Table{Limit: uint32(limit)}
		m := model{limit: limit, order: list.New(), pairs: map[uint64]*list.Element{}}
		for op := range 5000 {
			k := key()
			switch what := rng.IntN(20); {
			case what == 0:
				table.Pin(k)
				m.pin(k)
			case what < 4:
				table.Drop(k)
				m.drop(k)
			default:
				value := rng.Uint64() & MaxValue
				table.Set(k, value)
				m.set(k, value)
			}
			k = key()
			value, ok := table.Get(k)
			if want, known := m.get(k); value != want || ok != known || table.Len() != m.len() ||
				table.count > uint32(limit) {
				t.Fatalf("seed %d, op %d: Get(%d) = %d, %v of %d keys in %d entries; want %d, %v of %d",
					seed, op, k, value, ok, table.Len(), table.count, want, known, m.len())
			}
		}
		checkOrder(t, &table, &m)
	}
}

func checkOrder(t *testing.T, table *Table, m *model) {
	t.Helper()
	n := table.oldest
	for el := m.order.Front(); el != nil; el = el.Next() {
		if n == 0 || table.at(n).key != el.Value.(*pair).key {
			t.Fatal("the order of use differs from the model's")
		}
		n = table.at(n).newer
	}
	if n != 0 {
		t.Fatal("the order of use has more entries than the model's")
	}
}

func TestAKeyCosts32BytesAtMostWhateverTheirNumber(t *testing.T) {
	var before, after runtime.MemStats
	for _, n := range []int{1 << 12, 10_000, 49_000, 50_000, 98_000, 99_000, 100_000, 1 << 17} {
		runtime.GC()
		runtime.ReadMemStats(&before)
		table := Table{Limit: 1 << 17}
		for i := range uint64(2 * n) { // as many are forgotten, where they do not fit
			table.Set(i%uint64(n)*0x9e3779b97f4a7c15, i)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
		t.Logf("%7d keys: %.1f bytes each", n, each)
		if each > 32 {
			t.Errorf("%d keys cost %.1f bytes each, want at most 32", n, each)
		}
		runtime.KeepAlive(&table)
	}
}

func TestALittleTableCostsLittle(t *testing.T) {
	var table Table
	table.Set(1, 1)
	if bytes := len(table.pages)*int(unsafe.Sizeof(*table.pages[0])) + 4*len(table.heads); bytes > 1024 {
		t.Fatalf("the first key allocates %d bytes, want at most 1024", bytes)
	}
}

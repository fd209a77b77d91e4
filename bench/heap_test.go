package bench

import (
	"runtime"
	"testing"
)

func TestHeapCountsWhatIsHeld(t *testing.T) {
	const n, size = 10_000, 1024
	before := HeapNow()
	held := make([][]byte, n)
	for i := range held {
		held[i] = make([]byte, size)
	}
	grown := before.Since()
	runtime.KeepAlive(held)
	if want := int64(n * (size + 24)); grown.Bytes < want*99/100 || grown.Bytes > want*101/100 {
		t.Errorf("grown by %d bytes, want %d", grown.Bytes, want)
	}
	if grown.Objects < n || grown.Objects > n+100 {
		t.Errorf("grown by %d objects, want %d", grown.Objects, n+1)
	}
}

func TestCollectionsAndAllocationsAreCounted(t *testing.T) {
	cycles, mallocs := Cycles(), Mallocs()
	Collect()
	for range 1000 {
		sink = make([]byte, 100)
	}
	if got := Cycles() - cycles; got < 1 {
		t.Errorf("%d collections, want 1", got)
	}
	if got := Mallocs() - mallocs; got < 1000 || got > 1200 {
		t.Errorf("%d allocations, want 1000", got)
	}
}

var sink []byte

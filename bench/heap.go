package bench

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// Heap is what the program holds on its heap: bytes as the allocator rounds them, and objects.
type Heap struct{ Bytes, Objects int64 }

// HeapNow collects until nothing is left to collect, and returns what stays.
func HeapNow() Heap {
	runtime.GC()
	runtime.GC() // what the first one finalized, and what pools kept over it
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/objects:objects"}}
	metrics.Read(s)
	return Heap{int64(s[0].Value.Uint64()), int64(s[1].Value.Uint64())}
}

// Since returns how much more there is now.
func (h Heap) Since() Heap {
	now := HeapNow()
	return Heap{now.Bytes - h.Bytes, now.Objects - h.Objects}
}

// Collect returns how long a full collection takes.
func Collect() time.Duration {
	start := time.Now()
	runtime.GC()
	return time.Since(start)
}

// Cycles returns how many collections there have been.
func Cycles() int64 {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// Mallocs returns how many objects have been allocated, ever. It stops the world, for the
// processors' own counts are behind.
func Mallocs() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Mallocs)
}

// Warm gives the heap n bytes that are free and have been used, as those of a server have that has
// run for a while. Where the heap grows for the first time, an append measures how the operating
// system hands out pages.
func Warm(n int64) {
	const piece, page = 1 << 20, 4 << 10
	var used [][]byte
	for ; n > 0; n -= piece {
		p := make([]byte, piece)
		for i := 0; i < piece; i += page {
			p[i] = 1
		}
		used = append(used, p)
	}
	runtime.KeepAlive(used)
	runtime.GC()
}

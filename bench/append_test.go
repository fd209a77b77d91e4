package bench

import (
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/ring"
)

// One op is one event appended to one session that retains 1000 already, by one goroutine:
// everything that an append touches is in the cache. MB/s counts payload. With -cpu 1 the
// collector's share is in the time, with more it is mostly on other processors.
//
// ring is the log alone, session the log of a session that the caller holds, manager finds the
// session by its ID first. The floors: pages copies the payload into a page and publishes it,
// byhand is a mutex and a slice, by reference (which leaves it to the caller to allocate) and with
// a copy (which is what Reprise does).
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{64, 256, 4096} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) { benchmarkAppend(b, size) })
	}
}

func benchmarkAppend(b *testing.B, size int) {
	run := func(name string, log func(b *testing.B) func(data []byte)) {
		b.Run(name, func(b *testing.B) {
			appendTo, data := log(b), Payload(size)
			for range 3 * retain / 2 {
				appendTo(data)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				appendTo(data)
			}
		})
	}
	run("floor=pages", func(*testing.B) func([]byte) { return new(Pages).Append })
	run("floor=byhand-ref", func(*testing.B) func([]byte) {
		l := NewByHand(retain)
		return func(data []byte) { l.Append(data) }
	})
	run("floor=byhand-copy", func(*testing.B) func([]byte) {
		l := NewByHand(retain)
		return func(data []byte) { l.AppendCopy(data) }
	})
	ids := NewIDs(1, 1)
	for _, own := range []bool{false, true} {
		id, next := "id=assigned", func() string { return "" }
		if own {
			id, next = "id=own", ownIDs()
		}
		run("ring/"+id, func(b *testing.B) func([]byte) {
			r := newRing(b, retain)
			return func(data []byte) { must(r.Append(ring.Event{ID: next(), Data: data})) }
		})
		run("session/"+id, func(b *testing.B) func([]byte) {
			s := newSession(b, newManager(b, 1, retain), ids.At(0))
			return func(data []byte) { must(s.Append(ring.Event{ID: next(), Data: data})) }
		})
		run("manager/"+id, func(b *testing.B) func([]byte) {
			m := newManager(b, 1, retain)
			newSession(b, m, ids.At(0))
			return func(data []byte) { must(must(m.Get(ids.At(0))).Append(ring.Event{ID: next(), Data: data})) }
		})
	}
}

// BenchmarkAppendAll measures one event of a batch of 16, of 256 bytes each, in a ring that retains
// 1000; in turn with the same events one by one.
func BenchmarkAppendAll(b *testing.B) {
	const batch = 16
	es, dst := make([]ring.Event, batch), make([]ring.Event, batch)
	for i := range es {
		es[i].Data = Payload(256)
	}
	b.Run("batch", func(b *testing.B) {
		r := newRing(b, retain)
		b.ReportAllocs()
		for n := 0; n < b.N; n += batch {
			must(r.AppendAll(dst, es))
		}
	})
	b.Run("single", func(b *testing.B) {
		r := newRing(b, retain)
		b.ReportAllocs()
		for n := range b.N {
			must(r.Append(es[n%batch]))
		}
	})
}

func ownIDs() func() string {
	own := NewOwnIDs(1, retain)
	return func() string { return own.Next(0) }
}

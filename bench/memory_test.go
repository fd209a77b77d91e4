package bench

import (
	"flag"
	"runtime"
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// weighed is how many of a thing are weighed together.
const weighed = 10_000

// One op is 10,000 of a thing made, weighed on the collected heap and dropped; the figures that
// count are B/ring, B/session, B/event and objects. overhead is beyond payload and event ID, in
// rings of 1000 events of 256 bytes that have dropped 0 to 500 already (1000 of them: a gigabyte
// would say no more than 300 MB). Everything the allocator adds by rounding up is in it.
//
// The floor is the ring by hand with copied payloads.
func BenchmarkMemory(b *testing.B) {
	small, full := Payload(100), Payload(256)
	rings := func(b *testing.B, each func(r *ring.Ring)) func(int) any {
		return func(int) any {
			r := newRing(b, retain)
			each(r)
			return r
		}
	}
	weigh(b, "empty/floor=byhand", "ring", weighed, func(int) any { return NewByHand(retain) })
	weigh(b, "empty/ring", "ring", weighed, rings(b, func(*ring.Ring) {}))
	weigh(b, "ten-of-100B/floor=byhand", "ring", weighed, func(int) any {
		l := NewByHand(retain)
		for range 10 {
			l.AppendCopy(small)
		}
		return l
	})
	weigh(b, "ten-of-100B/ring", "ring", weighed, rings(b, func(r *ring.Ring) {
		for range 10 {
			must(r.Append(ring.Event{Data: small}))
		}
	}))
	b.Run("empty/session", func(b *testing.B) {
		ids := NewIDs(weighed, 4)
		for b.Loop() {
			before := HeapNow()
			m := openManager(weighed, retain)
			for s := range weighed {
				newSession(b, m, ids.At(s))
			}
			b.ReportMetric(float64(before.Since().Bytes)/weighed, "B/session")
			m.Close()
		}
	})
	const rounds = weighed / 10
	overhead := func(name string, log func(n int) (idBytes int, log any)) {
		b.Run("full/"+name, func(b *testing.B) {
			for b.Loop() {
				data, held := 0, make([]any, rounds)
				before := HeapNow()
				for i := range held {
					idBytes, log := log(retain + i*7919%(retain/2))
					held[i] = log
					data += idBytes + retain*len(full)
				}
				grown := before.Since()
				runtime.KeepAlive(held)
				b.ReportMetric(float64(grown.Bytes-int64(data))/(rounds*retain), "overhead-B/event")
				b.ReportMetric(float64(grown.Objects)/(rounds*retain), "objects/event")
			}
		})
	}
	overhead("floor=byhand", func(n int) (int, any) {
		l := NewByHand(retain)
		for range n {
			l.AppendCopy(full)
		}
		return 0, l
	})
	for _, own := range []bool{false, true} {
		overhead(idKind(own), func(n int) (idBytes int, log any) {
			r, id := newRing(b, retain), eventIDs(1, retain, own)
			for i := range n {
				if e := must(r.Append(ring.Event{ID: id(0), Data: full})); i >= n-retain {
					idBytes += len(e.ID)
				}
			}
			return idBytes, r
		})
	}
}

// weigh reports the bytes that each of n things takes.
func weigh(b *testing.B, name, unit string, n int, thing func(i int) any) {
	b.Run(name, func(b *testing.B) {
		for b.Loop() {
			held := make([]any, n)
			before := HeapNow()
			for i := range held {
				held[i] = thing(i)
			}
			grown := before.Since()
			runtime.KeepAlive(held)
			b.ReportMetric(float64(grown.Bytes)/float64(n), "B/"+unit)
			b.ReportMetric(float64(grown.Objects)/float64(n), "objects/"+unit)
		}
	})
}

var collectEvents = flag.Int("events", 4_000_000, "events retained while collections are measured")

// One op is a full collection while sessions of 1000 events of 256 bytes retain four million
// (-events); objects is what is on the heap. The floor is the ring by hand with copied payloads.
func BenchmarkCollection(b *testing.B) {
	n, data := max(*collectEvents/retain, 1), Payload(256)
	b.Run("floor=byhand-copy", func(b *testing.B) {
		logs := make([]*ByHand, n)
		collect(b, func() any {
			for i := range logs {
				logs[i] = NewByHand(retain)
			}
			Fill(n, retain, func(s int) { logs[s].AppendCopy(data) })
			return logs
		})
	})
	for _, own := range []bool{false, true} {
		b.Run(idKind(own), func(b *testing.B) {
			m, ids, sessions := newManager(b, n, retain), NewIDs(n, 2), make([]*shard.Session, n)
			collect(b, func() any {
				id := eventIDs(n, retain, own)
				for s := range sessions {
					sessions[s] = newSession(b, m, ids.At(s))
				}
				Fill(n, retain, func(s int) { must(sessions[s].Append(ring.Event{ID: id(s), Data: data})) })
				return m
			})
		})
	}
}

func collect(b *testing.B, fill func() any) {
	before := HeapNow()
	held := fill()
	grown := before.Since()
	for b.Loop() {
		runtime.GC()
	}
	runtime.KeepAlive(held)
	b.ReportMetric(float64(grown.Objects), "objects")
	b.ReportMetric(float64(grown.Bytes)/(1<<20), "MiB")
}

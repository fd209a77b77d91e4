package bench

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// writers is how many goroutines share one session: more than there are processors.
const writers = 8

// One op is one event of 256 bytes appended to the one session that eight goroutines append to,
// whatever -cpu says; ns/op is the time between two appends of the eight together. The second half
// measures each append for itself: p50-ns, p99.9-ns and max-ns, in which reading the clock twice is
// included; its ns/op says nothing else.
func BenchmarkContended(b *testing.B) {
	for _, log := range []struct {
		name string
		make func(b *testing.B) func(worker int, data []byte)
	}{
		{"floor=byhand-copy", func(*testing.B) func(int, []byte) {
			l := NewByHand(retain)
			return func(_ int, data []byte) { l.AppendCopy(data) }
		}},
		{"session/id=assigned", func(b *testing.B) func(int, []byte) {
			s := newSession(b, newManager(b, 1, retain), "shared")
			return func(_ int, data []byte) { must(s.Append(ring.Event{Data: data})) }
		}},
		{"session/id=own", func(b *testing.B) func(int, []byte) {
			s, own := newSession(b, newManager(b, 1, retain), "shared"), make([]*OwnIDs, writers)
			for w := range own {
				own[w] = NewOwnIDsOf(1, retain, uint64(100+w))
			}
			return func(w int, data []byte) { must(s.Append(ring.Event{ID: own[w].Next(0), Data: data})) }
		}},
	} {
		appendTo, data := log.make(b), Payload(256)
		for range 3 * retain / 2 {
			appendTo(0, data)
		}
		b.Run(log.name+"/throughput", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			runWriters(b, func(w int, pb *testing.PB) {
				for pb.Next() {
					appendTo(w, data)
				}
			})
		})
		b.Run(log.name+"/latency", func(b *testing.B) {
			var mu sync.Mutex
			var all Histogram
			runWriters(b, func(w int, pb *testing.PB) {
				var h Histogram
				for pb.Next() {
					start := time.Now()
					appendTo(w, data)
					h.Record(time.Since(start))
				}
				mu.Lock()
				all.Merge(&h)
				mu.Unlock()
			})
			reportQuantiles(b, &all)
		})
	}
}

// runWriters divides b.N among the writers.
func runWriters(b *testing.B, write func(w int, pb *testing.PB)) {
	var c crew
	b.SetParallelism((writers + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		w := int(c.joined.Add(1) - 1)
		if w >= writers {
			return // GOMAXPROCS does not divide 8
		}
		write(w, pb)
	})
}

func reportQuantiles(b *testing.B, h *Histogram) {
	b.ReportMetric(float64(h.Quantile(0.5)), "p50-ns")
	b.ReportMetric(float64(h.Quantile(0.99)), "p99-ns")
	b.ReportMetric(float64(h.Quantile(0.999)), "p99.9-ns")
	b.ReportMetric(float64(h.Max()), "max-ns")
}

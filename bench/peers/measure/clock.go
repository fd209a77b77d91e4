package measure

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/reprise-go/reprise/bench"
)

// windows is how many windows a figure is the median of: a moment in which the machine does
// something else spoils one of them.
const windows = 5

// put measures work(n), which does n ops, and records name.ns, name.allocs and name.bytes, per op.
func (r Result) put(name string, window time.Duration, work func(n int)) {
	n := 16
	for {
		took := timed(func() { work(n) })
		if took >= window/4 {
			n = max(1, int(float64(n)*float64(window)/float64(took)))
			break
		}
		n *= 2
	}
	var ns []float64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range windows {
		ns = append(ns, float64(timed(func() { work(n) }))/float64(n))
	}
	runtime.ReadMemStats(&after)
	slices.Sort(ns)
	r[name+".ns"] = ns[windows/2]
	r[name+".allocs"] = float64(after.Mallocs-before.Mallocs) / float64(windows*n)
	r[name+".bytes"] = float64(after.TotalAlloc-before.TotalAlloc) / float64(windows*n)
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// split does n ops on so many goroutines.
func split(workers, n int, work func(worker, n int)) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { work(w, n/workers) })
	}
	wg.Wait()
}

// putQuantiles times n ops one by one on so many goroutines and records name.p50 and so on, in
// nanoseconds. The two readings of the clock are included.
func (r Result) putQuantiles(name string, workers, n int, op func(worker, i int)) {
	hs := make([]bench.Histogram, workers)
	split(workers, n, func(w, n int) {
		for i := range n {
			start := time.Now()
			op(w, i)
			hs[w].Record(time.Since(start))
		}
	})
	for i := range hs[1:] {
		hs[0].Merge(&hs[i+1])
	}
	r.putHistogram(name, &hs[0])
}

func (r Result) putHistogram(name string, h *bench.Histogram) {
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}} {
		r[name+"."+q.name] = float64(h.Quantile(q.q))
	}
	r[name+".max"] = float64(h.Max())
}

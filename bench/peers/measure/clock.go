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

// work is what a figure is measured of: do does n ops.
type work struct {
	name string
	do   func(n int)
}

// put measures pieces of work and records name.ns, name.allocs and name.bytes of each, per op.
// Their windows take turns, so that what disturbs the machine for a while disturbs all of them.
func (r Result) put(window time.Duration, works ...work) {
	var before, after runtime.MemStats
	ns := make([][]float64, len(works))
	ops := make([]int, len(works))
	for i, w := range works {
		ops[i] = opsIn(window, w.do)
	}
	for range windows {
		for i, w := range works {
			n := float64(ops[i])
			runtime.ReadMemStats(&before)
			ns[i] = append(ns[i], float64(timed(func() { w.do(ops[i]) }))/n)
			runtime.ReadMemStats(&after)
			r[w.name+".allocs"] += float64(after.Mallocs-before.Mallocs) / n / windows
			r[w.name+".bytes"] += float64(after.TotalAlloc-before.TotalAlloc) / n / windows
		}
	}
	for i, w := range works {
		slices.Sort(ns[i])
		r[w.name+".ns"] = ns[i][windows/2]
	}
}

// opsIn returns about how many ops fit into the window.
func opsIn(window time.Duration, do func(n int)) int {
	for n := 16; ; n *= 2 {
		if took := timed(func() { do(n) }); took >= window/4 {
			return max(1, int(float64(n)*float64(window)/float64(took)))
		}
	}
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

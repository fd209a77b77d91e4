package shard

import (
	"slices"
	"sync/atomic"
	"time"
)

// bounds are the upper bounds of the buckets, inclusive. Each is at most 5/3 of the one before.
var bounds = [...]time.Duration{
	50, 70,
	100, 150, 200, 300, 500, 700,
	1e3, 1.5e3, 2e3, 3e3, 5e3, 7e3,
	10e3, 15e3, 20e3, 30e3, 50e3, 70e3,
	100e3, 150e3, 200e3, 300e3, 500e3, 700e3,
	1e6, 1.5e6, 2e6, 3e6, 5e6, 7e6,
	10e6, 15e6, 20e6, 30e6, 50e6, 70e6,
	100e6, 150e6, 200e6, 300e6, 500e6, 700e6,
	1e9,
}

// A Histogram counts durations by size. It is a copy: nobody changes it any more.
type Histogram struct {
	Bounds []time.Duration // the buckets' upper bounds, inclusive, ascending from 50 ns to 1 s, six to a power of ten
	Counts []uint64        // of each bucket alone; one more than Bounds: the last bucket has no bound
	Sum    time.Duration   // of all durations counted
}

// Count returns how many durations were counted.
func (h Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Mean returns the mean of the durations counted; 0 when there are none.
func (h Histogram) Mean() time.Duration {
	if n := h.Count(); n > 0 {
		return h.Sum / time.Duration(n)
	}
	return 0
}

// Quantile estimates the duration that the fraction q, from 0 to 1, of all durations does not
// exceed: it finds the bucket and takes what is in it to be spread evenly. So the estimate is in
// the right bucket, off by 2/5 at most. It returns 0 when nothing was counted, and 1 s for what is
// longer than that.
func (h Histogram) Quantile(q float64) time.Duration {
	rank := max(0, min(q, 1)) * float64(h.Count())
	var below time.Duration
	for i, bound := range h.Bounds {
		if n := float64(h.Counts[i]); n > 0 && rank <= n {
			return below + time.Duration(rank/n*float64(bound-below))
		} else {
			rank -= n
		}
		below = bound
	}
	if h.Count() == 0 {
		return 0
	}
	return below
}

// Sub returns what h has counted since earlier, an older copy of the same histogram; with the zero
// Histogram, all of it.
func (h Histogram) Sub(earlier Histogram) Histogram {
	h.Counts = slices.Clone(h.Counts)
	for i := range min(len(h.Counts), len(earlier.Counts)) {
		h.Counts[i] -= min(h.Counts[i], earlier.Counts[i])
	}
	h.Sum -= earlier.Sum
	return h
}

// counts is what a Histogram is made of. Any number of goroutines record; a copy that is made
// meanwhile may miss the newest or have them in Counts and not yet in Sum.
type counts struct {
	buckets [len(bounds) + 1]atomic.Uint64
	sum     atomic.Int64
}

// record counts d; a negative one as 0.
func (c *counts) record(d time.Duration) {
	d = max(d, 0)
	i, _ := slices.BinarySearch(bounds[:], d)
	c.buckets[i].Add(1)
	c.sum.Add(int64(d))
}

// addTo adds what c has counted to h.
func (c *counts) addTo(h *Histogram) {
	if h.Counts == nil {
		h.Bounds, h.Counts = slices.Clone(bounds[:]), make([]uint64, len(bounds)+1)
	}
	for i := range c.buckets {
		h.Counts[i] += c.buckets[i].Load()
	}
	h.Sum += time.Duration(c.sum.Load())
}

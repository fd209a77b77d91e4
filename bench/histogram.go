package bench

import (
	"math/bits"
	"time"
)

// A Histogram counts durations, to about 3%, in constant memory without pointers. The zero
// Histogram is empty. One goroutine uses it; Merge adds up what several have counted.
type Histogram struct {
	counts [64 * histogramSteps]uint32
	n      uint64
	max    time.Duration
}

const (
	histogramBits  = 5
	histogramSteps = 1 << histogramBits // per power of two
)

// bucketOf has a step for each nanosecond up to 31, then 32 steps for each doubling.
func bucketOf(v uint64) int {
	if v < histogramSteps {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - histogramBits
	return (shift+1)*histogramSteps + int(v>>shift)&(histogramSteps-1)
}

// floorOf is the least value in a bucket.
func floorOf(bucket int) uint64 {
	if bucket < histogramSteps {
		return uint64(bucket)
	}
	shift := bucket/histogramSteps - 1
	return uint64(histogramSteps+bucket%histogramSteps) << shift
}

// Record counts one duration; negative ones count as 0.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(uint64(d))]++
	h.n++
	h.max = max(h.max, d)
}

// Merge adds what o has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}

// Quantile returns the duration that the fraction q of all counted does not exceed, to about 3%; 0
// when nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.n))
	if rank >= h.n {
		return h.max
	}
	var seen uint64
	for i, c := range h.counts {
		if seen += uint64(c); seen > rank {
			return min(time.Duration(floorOf(i)), h.max)
		}
	}
	return h.max
}

// Count returns how many were counted, and Max the longest.
func (h *Histogram) Count() uint64      { return h.n }
func (h *Histogram) Max() time.Duration { return h.max }

// Package report turns what cmd/compare has measured into figures that say how sure they are:
// medians of paired ratios, their spread, and tables.
package report

import (
	"math"
	"slices"
)

// A Figure is the median of what several runs have measured, and its spread: two of the values
// between which the true median lies with a confidence of 95%, whatever the distribution. Up to
// eight values those are the least and the greatest, and with fewer than six the confidence is
// less.
type Figure struct {
	Median, Low, High float64
	Runs              int // 0: nothing was measured
}

// Summarize returns the Figure of the values, which it leaves alone.
func Summarize(values []float64) Figure {
	if len(values) == 0 {
		return Figure{Median: math.NaN(), Low: math.NaN(), High: math.NaN()}
	}
	v := slices.Sorted(slices.Values(values))
	n, k := len(v), spreadRank(len(v))
	return Figure{(v[(n-1)/2] + v[n/2]) / 2, v[k-1], v[n-k], n}
}

// spreadRank returns the greatest k for which the kth least and the kth greatest of n values
// enclose the median with a confidence of 95%, and at least 1. They fail to when fewer than k of n
// tosses of a coin are heads, or fewer than k are tails.
func spreadRank(n int) int {
	k, toss, fewer := 0, math.Pow(0.5, float64(n)), 0.0 // toss: the probability of k heads
	for {
		fewer += toss // the probability of k heads at most
		if 2*fewer > 0.05 {
			return max(k, 1)
		}
		toss *= float64(n-k) / float64(k+1)
		k++
	}
}

// Crosses reports whether the spread has x in it: then the runs do not tell on which side of x the
// figure is.
func (f Figure) Crosses(x float64) bool { return f.Low <= x && x <= f.High }

// Scale returns the figure in another unit.
func (f Figure) Scale(by float64) Figure {
	return Figure{f.Median * by, f.Low * by, f.High * by, f.Runs}
}

// Ratio returns the Figure of ours to theirs, run by run: what disturbs the machine for a while
// disturbs both sides of a pair. Runs in which either is missing or theirs is 0 are left out.
func Ratio(ours, theirs []float64) Figure {
	var ratios []float64
	for i := range min(len(ours), len(theirs)) {
		if r := ours[i] / theirs[i]; !math.IsNaN(r) && !math.IsInf(r, 0) {
			ratios = append(ratios, r)
		}
	}
	return Summarize(ratios)
}

package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogramIsExactToThreePercent(t *testing.T) {
	var h, other Histogram
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(math.Exp(rand.Float64() * 20))
		all = append(all, d)
		if i%2 == 0 {
			h.Record(d)
		} else {
			other.Record(d)
		}
	}
	h.Merge(&other)
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.99, 0.999, 0.9999} {
		want := all[int(q*float64(len(all)))]
		if got := h.Quantile(q); math.Abs(float64(got-want)) > 0.032*float64(want) {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if h.Quantile(1) != all[len(all)-1] || h.Max() != all[len(all)-1] || h.Count() != 10_000 {
		t.Errorf("the longest of %d is %v and %v, want %v", h.Count(), h.Quantile(1), h.Max(), all[len(all)-1])
	}
}

func TestHistogramBucketsAreWithoutGap(t *testing.T) {
	for b := range 60 * histogramSteps {
		if got := bucketOf(floorOf(b)); got != b {
			t.Fatalf("the least value of bucket %d is in bucket %d", b, got)
		}
		if b > 0 {
			if got := bucketOf(floorOf(b) - 1); got != b-1 {
				t.Fatalf("the value before bucket %d is in bucket %d", b, got)
			}
		}
	}
}

func TestHistogramWithoutSamplesIsZero(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 {
		t.Fatal("an empty histogram has quantiles")
	}
}

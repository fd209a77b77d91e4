package shard

import (
	"slices"
	"testing"
	"time"
)

func histogramOf(durations ...time.Duration) (h Histogram) {
	var c counts
	for _, d := range durations {
		c.record(d)
	}
	c.addTo(&h)
	return h
}

func TestBoundsAscendByAtMostFiveThirds(t *testing.T) {
	for i := range len(bounds) - 1 {
		if ratio := float64(bounds[i+1]) / float64(bounds[i]); ratio <= 1 || ratio > 5./3+1e-9 {
			t.Errorf("%v is followed by %v", bounds[i], bounds[i+1])
		}
	}
}

func TestHistogramCountsABoundInItsOwnBucket(t *testing.T) {
	h := histogramOf(-time.Second, 0, 50, 51, time.Second, time.Second+1, time.Hour)
	want := make([]uint64, len(bounds)+1)
	want[0], want[1], want[len(bounds)-1], want[len(bounds)] = 3, 1, 1, 2
	if !slices.Equal(h.Counts, want) {
		t.Errorf("%v", h.Counts)
	}
	if sum := 50 + 51 + 2*time.Second + 1 + time.Hour; h.Sum != sum || h.Count() != 7 || h.Mean() != sum/7 {
		t.Errorf("sum %v, count %d, mean %v", h.Sum, h.Count(), h.Mean())
	}
}

func TestQuantile(t *testing.T) {
	uniform := make([]time.Duration, 1000)
	for i := range uniform {
		uniform[i] = time.Duration(i+1) * time.Microsecond
	}
	h := histogramOf(uniform...)
	for _, c := range []struct{ q, want float64 }{{0.01, 10e3}, {0.1, 100e3}, {0.5, 500e3}, {0.9, 900e3},
		{0.99, 990e3}, {1, 1e6}, {7, 1e6}} {
		if got := float64(h.Quantile(c.q)); got < 0.9*c.want || got > 1.1*c.want {
			t.Errorf("quantile %v: %v, want %v", c.q, time.Duration(got), time.Duration(c.want))
		}
	}
	for name, h := range map[string]Histogram{"zero": {}, "empty": histogramOf()} {
		if h.Quantile(0.5) != 0 || h.Mean() != 0 {
			t.Errorf("%s: %v, %v", name, h.Quantile(0.5), h.Mean())
		}
	}
	if got := histogramOf(time.Hour).Quantile(0.5); got != time.Second {
		t.Errorf("beyond the last bound: %v", got)
	}
	if got := histogramOf(80, 80).Quantile(0.5); got <= 70 || got > 100 {
		t.Errorf("two in one bucket: %v", got)
	}
}

func TestSubLeavesWhatCameSince(t *testing.T) {
	early, late := histogramOf(80, 2e3), histogramOf(80, 2e3, 2e3, 4e6)
	since := late.Sub(early)
	if want := histogramOf(2e3, 4e6); !slices.Equal(since.Counts, want.Counts) || since.Sum != want.Sum {
		t.Errorf("%+v", since)
	}
	if all := late.Sub(Histogram{}); all.Count() != 4 || all.Sum != late.Sum {
		t.Errorf("%+v", all)
	}
	if late.Count() != 4 {
		t.Error("Sub has changed what it was called on")
	}
}

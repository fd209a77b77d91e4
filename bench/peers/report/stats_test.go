package report

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSummarizeTakesMedianAndSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Figure
	}{
		{[]float64{5}, Figure{5, 5, 5, 1}},
		{[]float64{4, 2}, Figure{3, 2, 4, 2}},
		{[]float64{9, 1, 5}, Figure{5, 1, 9, 3}},
		{[]float64{7, 1, 2, 3, 4, 5, 6}, Figure{4, 1, 7, 7}},
		{[]float64{8, 7, 1, 2, 3, 4, 5, 6}, Figure{4.5, 1, 8, 8}},
		{[]float64{9, 8, 7, 1, 2, 3, 4, 5, 6}, Figure{5, 2, 8, 9}},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, Figure{6.5, 3, 10, 12}},
	} {
		if got := Summarize(c.values); got != c.want {
			t.Errorf("Summarize(%v) is %v, want %v", c.values, got, c.want)
		}
	}
	if f := Summarize(nil); !math.IsNaN(f.Median) || f.Runs != 0 {
		t.Errorf("Summarize of nothing is %v", f)
	}
}

func TestSummarizeLeavesItsInputAlone(t *testing.T) {
	v := []float64{3, 1, 2}
	if Summarize(v); v[0] != 3 || v[1] != 1 || v[2] != 2 {
		t.Errorf("sorted: %v", v)
	}
}

// The spread has the median of the distribution in it in 95 of 100 comparisons.
func TestSpreadEnclosesTheTrueMedian(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{7, 9, 12, 20, 31} {
		const trials = 20_000
		missed := 0
		for range trials {
			v := make([]float64, n)
			for i := range v {
				v[i] = r.ExpFloat64()
			}
			if !Summarize(v).Crosses(math.Ln2) {
				missed++
			}
		}
		if missed > trials*5/100+100 {
			t.Errorf("%d runs: %d of %d spreads miss the median", n, missed, trials)
		}
	}
}

func TestCrosses(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      bool
	}{{0.8, 0.9, false}, {0.9, 1, true}, {0.9, 1.1, true}, {1, 1.1, true}, {1.01, 1.1, false}} {
		if got := (Figure{Low: c.low, High: c.high}).Crosses(1); got != c.want {
			t.Errorf("%v to %v crosses 1: %v, want %v", c.low, c.high, got, c.want)
		}
	}
}

func TestRatioPairsTheRuns(t *testing.T) {
	// The machine is twice as slow in the second run: the ratio does not notice.
	if got, want := Ratio([]float64{10, 20, 12}, []float64{20, 40, 24}), (Figure{0.5, 0.5, 0.5, 3}); got != want {
		t.Errorf("ratio is %v, want %v", got, want)
	}
	if got, want := Ratio([]float64{1, math.NaN(), 3, 4}, []float64{2, 2, 0}), (Figure{0.5, 0.5, 0.5, 1}); got != want {
		t.Errorf("ratio with missing runs is %v, want %v", got, want)
	}
}

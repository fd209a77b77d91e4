package report

import (
	"math"

	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/bench/peers/measure"
)

// Samples are the results of all runs: by contestant, scenario and measure, one value for each run.
type Samples struct {
	runs   int
	values map[string][]float64
}

// NewSamples returns room for so many runs.
func NewSamples(runs int) *Samples { return &Samples{runs, make(map[string][]float64)} }

func key(contestant, measure string) string { return contestant + "\x00" + measure }

// Add takes in what a job has measured in a run.
func (s *Samples) Add(run int, j measure.Job, r measure.Result) {
	for name, v := range r {
		k := key(j.Contestant, j.Scenario+"/"+name)
		if s.values[k] == nil {
			s.values[k] = make([]float64, s.runs)
			for i := range s.values[k] {
				s.values[k][i] = math.NaN()
			}
		}
		s.values[k][run] = v
	}
}

// Of returns a measure's values, one for each run and NaN where it is missing, or nil. A measure is
// called scenario/name.
func (s *Samples) Of(contestant, measure string) []float64 { return s.values[key(contestant, measure)] }

// Figure summarizes them.
func (s *Samples) Figure(contestant, measure string) Figure {
	var there []float64
	for _, v := range s.Of(contestant, measure) {
		if !math.IsNaN(v) {
			there = append(there, v)
		}
	}
	return Summarize(there)
}

// Best returns the released contestant with the least median of a measure, of those with the
// producers' event IDs or of the others.
func (s *Samples) Best(measure string, ownIDs bool) string {
	best, least := "", math.Inf(1)
	for _, c := range peers.All() {
		if !c.Released() || c.OwnIDs != ownIDs {
			continue
		}
		if f := s.Figure(c.Name, measure); f.Runs > 0 && f.Median < least {
			best, least = c.Name, f.Median
		}
	}
	return best
}

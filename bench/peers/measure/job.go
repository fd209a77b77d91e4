// Package measure does the measuring of cmd/compare: a [Job] is one scenario on one contestant,
// done in a process of its own, so that each begins with an empty heap and leaves nothing behind.
package measure

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/reprise-go/reprise/bench/peers"
)

// A Job is one scenario on one contestant.
type Job struct {
	Scenario   string
	Contestant string
	Sizes      Sizes
}

// A Result holds what was measured, by the names in the scenarios' files.
type Result map[string]float64

// Sizes say how much work a job does.
type Sizes struct {
	Payload  int           // bytes of an event
	Retain   int           // events that the one session retains
	Far      int           // events that the session retains that is compared with it
	Window   time.Duration // of one measurement, of which five make a figure
	Writers  int           // goroutines on one session
	Ops      int           // appends that are timed one by one, at least
	Sessions int           // of the fleet
	Each     int           // events that each of them retains
	Retained int           // events that are there while collections are measured
	Drained  []int         // streams that have been
	Weighed  int           // rings and sessions weighed together
	Memory   int64         // bytes of heap from which on a job collects more often
}

// Full is what a comparison is made with, and Quick shows that it works.
func Full() Sizes {
	return Sizes{
		Payload: 256, Retain: 1000, Far: 100_000, Window: 40 * time.Millisecond, Writers: 8, Ops: 500_000,
		Sessions: 10_000, Each: 200,
		Retained: 4_000_000, Drained: []int{0, 1000, 10_000, 100_000}, Weighed: 10_000, Memory: 5 << 30,
	}
}

// Quick returns Sizes for which a comparison of three rounds takes about a minute.
func Quick() Sizes {
	s := Full()
	s.Window, s.Ops, s.Far = 10*time.Millisecond, 100_000, 10_000
	s.Sessions, s.Retained, s.Weighed = 2000, 200_000, 2000
	s.Drained = []int{0, 1000, 10_000}
	return s
}

// Scenarios lists them in the order in which they are run, and who takes part.
func Scenarios() []Scenario {
	all := func(peers.Contestant) bool { return true }
	owned := func(c peers.Contestant) bool { return c.Name != peers.ByHandRef && !c.Control }
	return []Scenario{
		{"session", all, session},
		{"reads", named(peers.Reprise, peers.RepriseOwn), reads},
		{"drained", named(peers.Reprise, peers.GoSDK), drained},
		{"memory", named(peers.Reprise, peers.RepriseOwn), memory},
		{"fleet", owned, fleet},
		{"retained", owned, retained},
	}
}

// A Scenario is a piece of work.
type Scenario struct {
	Name string
	Has  func(peers.Contestant) bool
	run  func(peers.Contestant, Sizes, Result)
}

func named(names ...string) func(peers.Contestant) bool {
	return func(c peers.Contestant) bool {
		for _, n := range names {
			if c.Name == n {
				return true
			}
		}
		return false
	}
}

// Run does the job in this process.
func Run(j Job) (r Result, err error) {
	c, ok := peers.Find(j.Contestant)
	if !ok {
		return nil, fmt.Errorf("measure: no contestant %q", j.Contestant)
	}
	debug.SetMemoryLimit(j.Sizes.Memory)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("measure: %s on %s: %v\n%s", j.Scenario, j.Contestant, p, debug.Stack())
		}
	}()
	for _, s := range Scenarios() {
		if s.Name == j.Scenario {
			r = make(Result)
			s.run(c, j.Sizes, r)
			return r, nil
		}
	}
	return nil, fmt.Errorf("measure: no scenario %q", j.Scenario)
}

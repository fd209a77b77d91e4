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
	Payloads []int         // bytes of the events whose overhead is weighed
	Retain   int           // events that the one session retains
	Far      int           // events that the session retains that is compared with it
	Window   time.Duration // of one measurement, of which five make a figure
	Writers  int           // goroutines on one session
	Ops      int           // appends that are timed one by one, at least
	Sessions int           // of the fleets
	Each     int           // events that each session of fleet retains
	Least    int           // events that the sessions of mixed retain, from here
	Most     int           // to here
	Retained int           // events that are there while collections are measured
	Drained  []int         // streams that have been
	Weighed  int           // rings and sessions weighed together
	Memory   int64         // bytes of heap from which on a job collects more often
}

// Full is what a comparison is made with, and Quick shows that it works.
func Full() Sizes {
	return Sizes{
		Payload: 256, Payloads: []int{100, 256, 1000, 4000}, Retain: 1000, Far: 100_000,
		Window: 40 * time.Millisecond, Writers: 8, Ops: 500_000,
		Sessions: 10_000, Each: 100, Least: 200, Most: 1000,
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
	released := peers.Contestant.Released
	return []Scenario{
		{"session", everybody, nobody, session},
		{"reads", named(peers.Reprise, peers.RepriseOwn, peers.Old, peers.OldOwn), nobody, reads},
		{"sse", named(peers.Reprise), nobody, sse},
		{"memory", named(peers.Reprise, peers.RepriseOwn), everybody, memory},
		{"fleet", peers.Contestant.Charted, nobody, fleet},
		// The others take long, and are far from the best of these in fleet.
		{"mixed", named(peers.Reprise, peers.ByHandCopy, peers.GoSDK, peers.GoSSE, peers.R3Labs), released, mixed},
		{"retained", peers.Contestant.Charted, released, retained},
		{"drained", named(peers.Reprise, peers.GoSDK), everybody, drained},
	}
}

// A Scenario is a piece of work.
type Scenario struct {
	Name string
	Has  func(peers.Contestant) bool // takes part
	// Few says who does it in few rounds: those for whom it takes long and who are compared
	// roughly, and everybody where the figures hardly differ from round to round.
	Few func(peers.Contestant) bool
	run func(peers.Contestant, Sizes, Result)
}

func everybody(peers.Contestant) bool { return true }
func nobody(peers.Contestant) bool    { return false }

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

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/bench/peers/measure"
	"github.com/reprise-go/reprise/bench/peers/report"
)

// jobFlag makes the program do one job and print its result.
const jobFlag = "-job"

// A planned job belongs to a round.
type planned struct {
	measure.Job
	round int
}

// fewRounds is how many rounds there are of what is done in few: see measure.Scenario.
const fewRounds = 3

// A selection says what is measured, and who takes part.
type selection struct {
	rounds   int
	only     []string // scenarios; none: all
	released bool     // the released libraries take part
	old      bool     // Reprise as it was takes part
}

// scenarios returns the chosen ones, and an error for a name that there is not.
func (sel selection) scenarios() (chosen []measure.Scenario, err error) {
	all := measure.Scenarios()
	if len(sel.only) == 0 {
		return all, nil
	}
	for _, name := range sel.only {
		i := slices.IndexFunc(all, func(s measure.Scenario) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no scenario %q: there are %s", name, strings.Join(scenarioNames(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func (sel selection) has(c peers.Contestant, s measure.Scenario, round int) bool {
	asked := (sel.released || !c.Released()) && (sel.old || !c.Old)
	return asked && s.Has(c) && (round < fewRounds || !s.Few(c))
}

// plan interleaves the contestants: in each round they do a scenario one after the other, and
// another one begins.
func plan(z measure.Sizes, sel selection) (jobs []planned, err error) {
	chosen, err := sel.scenarios()
	for round := range sel.rounds {
		for _, s := range chosen {
			var who []string
			for _, c := range peers.All() {
				if sel.has(c, s, round) {
					who = append(who, c.Name)
				}
			}
			for i := range who {
				c := who[(round+i)%len(who)]
				jobs = append(jobs, planned{measure.Job{Scenario: s.Name, Contestant: c, Sizes: z}, round})
			}
		}
	}
	return jobs, err
}

func scenarioNames() (names []string) {
	for _, s := range measure.Scenarios() {
		names = append(names, s.Name)
	}
	return names
}

// runAll does the jobs one after the other, each in a process of its own, and tells how far it is.
// Those of Reprise as it was are done by the program old.
func runAll(ctx context.Context, jobs []planned, old string, samples *report.Samples, progress io.Writer) error {
	start := time.Now()
	for i, j := range jobs {
		began, program := time.Now(), ""
		if c, ok := peers.Find(j.Contestant); ok && c.Old {
			program = old
		}
		result, err := bench.Child[measure.Result](ctx, program, jobFlag, j.Job)
		if err != nil {
			return fmt.Errorf("%s, %s, round %d: %w", j.Scenario, j.Contestant, j.round+1, err)
		}
		samples.Add(j.round, j.Job, result)
		left := time.Since(start) / time.Duration(i+1) * time.Duration(len(jobs)-i-1)
		fmt.Fprintf(progress, "%3d of %d  round %d  %-8s  %-32s  %5.1fs  about %s left\n",
			i+1, len(jobs), j.round+1, j.Scenario, j.Contestant, time.Since(began).Seconds(), left.Round(time.Second))
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"io"
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

// plan interleaves the contestants: in each round they do a scenario one after the other, and
// another one begins.
func plan(z measure.Sizes, rounds int, only string) (jobs []planned) {
	for round := range rounds {
		for _, s := range measure.Scenarios() {
			if only != "" && s.Name != only {
				continue
			}
			var who []string
			for _, c := range peers.All() {
				if s.Has(c) {
					who = append(who, c.Name)
				}
			}
			for i := range who {
				c := who[(round+i)%len(who)]
				jobs = append(jobs, planned{measure.Job{Scenario: s.Name, Contestant: c, Sizes: z}, round})
			}
		}
	}
	return jobs
}

func scenarioNames() (names []string) {
	for _, s := range measure.Scenarios() {
		names = append(names, s.Name)
	}
	return names
}

// runAll does the jobs one after the other, each in a process of its own, and tells how far it is.
func runAll(ctx context.Context, jobs []planned, samples *report.Samples, progress io.Writer) error {
	start := time.Now()
	for i, j := range jobs {
		began := time.Now()
		result, err := bench.Child[measure.Result](ctx, jobFlag, j.Job)
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

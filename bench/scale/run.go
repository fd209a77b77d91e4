package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/reprise-go/reprise/bench"
)

// jobFlag makes the program do one job and print its figures.
const jobFlag = "-job"

// A job is one scenario in one variant, done once.
type job struct {
	Scenario, Variant string
	Sizes             sizes
}

// plan interleaves the variants: in each round they take turns, and another one begins.
func plan(chosen []scenario, z sizes) (jobs []job) {
	for _, s := range chosen {
		v := s.variants(z)
		for round := range s.rounds(z) {
			for i := range v {
				jobs = append(jobs, job{s.name, v[(round+i)%len(v)], z})
			}
		}
	}
	return jobs
}

// run does the job in this process.
func (j job) run() (f figures, err error) {
	chosen, err := choose(j.Scenario)
	if err != nil {
		return nil, err
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(j.Sizes.HeapLimit))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v\n%s", p, debug.Stack())
		}
	}()
	return chosen[0].run(j.Sizes, j.Variant), nil
}

// runAll does the jobs one after the other and tells how far it is.
func runAll(ctx context.Context, jobs []job, progress io.Writer) (map[string]results, error) {
	all := make(map[string]results)
	for i, j := range jobs {
		began := time.Now()
		f, err := bench.Child[figures](ctx, "", jobFlag, j)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", j.Scenario, j.Variant, err)
		}
		if all[j.Scenario] == nil {
			all[j.Scenario] = make(results)
		}
		all[j.Scenario][j.Variant] = append(all[j.Scenario][j.Variant], f)
		fmt.Fprintf(
			progress,
			"%2d of %d  %-9s  %-14s  %5.1fs\n",
			i+1,
			len(jobs),
			j.Scenario,
			j.Variant,
			time.Since(began).Seconds(),
		)
	}
	return all, nil
}

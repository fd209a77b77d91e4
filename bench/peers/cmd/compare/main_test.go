package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/bench/peers/measure"
	"github.com/reprise-go/reprise/bench/peers/report"
)

// The test's own program is what its children run.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == jobFlag {
		exit(work(os.Args[2], os.Stdout))
	}
	os.Exit(m.Run())
}

// tiny is enough to go through everything, also under the race detector.
func tiny() measure.Sizes {
	z := measure.Quick()
	z.Window, z.Ops, z.Far, z.Sessions, z.Each = time.Millisecond, 4000, 3000, 100, 50
	z.Least, z.Most, z.Payloads = 20, 60, []int{100, 256, 1000, 4000}
	z.Retained, z.Weighed, z.Drained = 10_000, 100, []int{0, 100}
	return z
}

// everyone takes part. Old Reprise is this one: its program is the test's own.
func everyone(rounds int, only ...string) selection {
	return selection{rounds: rounds, only: only, released: true, old: true}
}

func TestEveryTargetIsMeasured(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else each child sleeps for a second under the race detector
	samples := report.NewSamples(2)
	var progress bytes.Buffer
	jobs := must(plan(tiny(), everyone(2)))
	if err := runAll(context.Background(), jobs, "", samples, &progress); err != nil {
		t.Fatal(err)
	}
	for _, target := range report.Targets() {
		f, _ := target.Eval(samples)
		if f.Runs != 2 || math.IsNaN(f.Median) || f.Median < 0 {
			t.Errorf("%s: %+v", target.Name, f)
		}
	}
	for _, measure := range []string{"session/append.ns", "session/replay.ns", "session/contended.p99.9",
		"fleet/random.ns", "fleet/bursts.ns", "fleet/turn.ns", "fleet/parallel.ns",
		"retained/collect.ns", "retained/objects", "retained/tail.p99.99", "retained/tail.max"} {
		for _, c := range peers.All() {
			if !strings.HasPrefix(measure, "session/") && !c.Charted() {
				continue
			}
			if f := samples.Figure(c.Name, measure); f.Runs != 2 || f.Median <= 0 {
				t.Errorf("%s of %s: %+v", measure, c.Name, f)
			}
		}
	}
	page := report.Run{Runs: 2, Few: 2, Sizes: tiny(), Samples: samples}.Page()
	for _, want := range []string{"## Targets", "## Medians", "## Ratios", "not distinguishable", "p99.99"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	if n := strings.Count(progress.String(), "\n"); n != len(jobs) {
		t.Errorf("%d lines of progress for %d jobs", n, len(jobs))
	}
}

func TestContestantsAreInterleaved(t *testing.T) {
	jobs, first := must(plan(tiny(), everyone(3, "session"))), make(map[int]string)
	seen := make(map[string]int)
	for _, j := range jobs {
		if first[j.round] == "" {
			first[j.round] = j.Contestant
		}
		seen[j.Contestant]++
	}
	if first[0] == first[1] || first[1] == first[2] {
		t.Errorf("the same contestant begins: %v", first)
	}
	for _, c := range peers.All() {
		if seen[c.Name] != 3 {
			t.Errorf("%s is planned %d times, want 3", c.Name, seen[c.Name])
		}
	}
}

func TestReleasedLibrariesAndOldRepriseTakePartAsAsked(t *testing.T) {
	count := func(sel selection) (released, old, others int) {
		for _, j := range must(plan(tiny(), sel)) {
			c, _ := peers.Find(j.Contestant)
			switch {
			case c.Released():
				released++
			case c.Old:
				old++
			default:
				others++
			}
		}
		return released, old, others
	}
	const rounds, libraries, ours = 5, 6, 3
	for _, c := range []struct {
		name                  string
		sel                   selection
		released, old, others int
	}{
		{"what takes long", selection{rounds: rounds, only: []string{"retained"}, released: true},
			fewRounds * libraries, 0, rounds * ours},
		{"without the libraries", selection{rounds: rounds, only: []string{"fleet", "retained"}},
			0, 0, 2 * rounds * ours},
		{"with the old one", selection{rounds: rounds, only: []string{"reads"}, old: true}, 0, rounds * 2, rounds * 2},
	} {
		if released, old, others := count(c.sel); released != c.released || old != c.old || others != c.others {
			t.Errorf("%s: %d jobs of libraries, %d of old Reprise, %d others", c.name, released, old, others)
		}
	}
}

func TestAJobThatFailsSaysWhich(t *testing.T) {
	jobs := []planned{{measure.Job{Scenario: "session", Contestant: "nobody"}, 0}}
	err := runAll(context.Background(), jobs, "", report.NewSamples(1), new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("error is %v", err)
	}
}

func TestChartsAreDrawnBesideThePageThatShowsThem(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	page := filepath.Join(t.TempDir(), "REPORT.md")
	args := []string{"-quick", "-runs", "1", "-only", "reads", "-o", page, "-charts", "pictures"}
	if err := compare(context.Background(), args, new(bytes.Buffer), new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(page), "pictures")); err != nil {
		t.Error(err)
	}
	if err := compare(context.Background(), []string{"-charts", "pictures"}, new(bytes.Buffer),
		new(bytes.Buffer)); err == nil {
		t.Error("charts without a page to show them: no error")
	}
}

func TestAnUnknownScenarioIsAnError(t *testing.T) {
	err := compare(context.Background(), []string{"-only", "session,everything"}, new(bytes.Buffer), new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), `"everything"`) {
		t.Errorf("error is %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

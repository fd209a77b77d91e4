package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A scenario is a piece of work, which comes in variants, and what the table says of it.
type scenario struct {
	name     string
	rounds   func(z sizes) int
	variants func(z sizes) []string
	run      func(z sizes, variant string) figures
	rows     func(z sizes, r results) []row
}

// figures are what one job has measured, by name.
type figures map[string]float64

// results are those of a scenario: by variant, one for each round.
type results map[string][]figures

// scenarios in the order of the table.
func scenarios() []scenario {
	return append([]scenario{
		{"memory", once, memoryVariants, memory, memoryRows},
		{"speed", once, speedVariants, speed, speedRows},
		{"expiry", repeated, writtenOrNot, expiry, expiryRows},
		{"touched", once, alone, touched, touchedRows},
		{"release", once, alone, release, releaseRows},
		{"storm", once, alone, storm, stormRows},
		{"budget", once, alone, budget, budgetRows},
		{"limits", once, alone, limits, limitsRows},
		{"stats", once, alone, stats, statsRows},
		{"collector", repeated, collectorVariants, collector, collectorRows},
	}, clockScenarios()...)
}

func once(sizes) int { return 1 }

func repeated(z sizes) int { return z.Rounds }

func alone(sizes) []string { return []string{""} }

func scenarioNames() (names []string) {
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// choose returns the scenarios of a list of names; all for "".
func choose(names string) (chosen []scenario, err error) {
	if names == "" {
		return scenarios(), nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(scenarios(), func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no scenario %q: there are %s", name, strings.Join(scenarioNames(), ", "))
		}
		chosen = append(chosen, scenarios()[i])
	}
	return chosen, nil
}

// of returns the median over the rounds of what a variant has measured; NaN if it has not.
func (r results) of(variant, name string) float64 {
	var v []float64
	for _, f := range r[variant] {
		if x, ok := f[name]; ok {
			v = append(v, x)
		}
	}
	return median(v)
}

// sum returns the sum over the rounds and variants.
func (r results) sum(name string) (sum float64) {
	for _, rounds := range r {
		for _, f := range rounds {
			sum += f[name]
		}
	}
	return sum
}

// ratio returns the median over the rounds of how one variant's figure compares with another's in
// the same round.
func (r results) ratio(variant, other, name string) float64 {
	var v []float64
	for i := range min(len(r[variant]), len(r[other])) {
		v = append(v, r[variant][i][name]/r[other][i][name])
	}
	return median(v)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// sizes say how much work there is.
type sizes struct {
	Weighed   []int         // sessions that are weighed together
	Rings     []int         // full ones that are weighed together
	Fleets    []int         // sessions among which one is found
	Window    time.Duration // of one measurement, of which five make a figure
	Expiring  int           // sessions that expire together
	TTL       time.Duration // theirs
	Touched   int           // sessions that are touched all the time
	Pairs     int           // sessions that each goroutine creates and terminates
	Ops       int           // calls for each goroutine at a limit
	Budget    int64         // bytes
	Idle      time.Duration // that an idle process is watched
	Stopped   time.Duration // that a process stands still
	Retained  int           // events that are there while collections are measured
	Rounds    int           // of expiry and of the collections, variant by variant
	Timed     int           // appends that are timed one by one
	HeapLimit int64         // bytes from which on the collector works more often
}

func full() sizes {
	return sizes{
		Weighed: []int{
			1000,
			10_000,
			100_000,
			1_000_000,
		}, Rings: []int{1000, 10_000}, Fleets: []int{1000, 100_000, 1_000_000},
		Window: 100 * time.Millisecond, Expiring: 1_000_000, TTL: 20 * time.Second, Touched: 100_000,
		Pairs: 1_000_000, Ops: 200_000,
		Budget: 256 << 20, Idle: 30 * time.Second, Stopped: 25 * time.Second,
		Retained: 10_000_000, Rounds: 3, Timed: 500_000, HeapLimit: 9 << 30,
	}
}

// less shows that everything works.
func less() sizes {
	z := full()
	z.Weighed, z.Rings, z.Fleets = []int{1000, 10_000}, []int{200}, []int{1000, 10_000}
	z.Window, z.Expiring, z.TTL, z.Touched = 20*time.Millisecond, 100_000, 4*time.Second, 10_000
	z.Pairs, z.Ops, z.Budget = 50_000, 20_000, 16<<20
	z.Idle, z.Stopped, z.Retained, z.Rounds, z.Timed = 3*time.Second, 3*time.Second, 500_000, 1, 100_000
	return z
}

// numbered returns a variant's name for a number of sessions, and count the number.
func numbered(kind string, n int) string { return kind + " " + strconv.Itoa(n) }

func count(variant string) int {
	_, n, _ := strings.Cut(variant, " ")
	return must(strconv.Atoi(n))
}

// must is for what cannot fail in a measurement that measures what it says.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

//go:build model

package model

import (
	"slices"
	"strings"
	"testing"
)

// quick runs take some seconds together, and reach less.
var quick = []run{
	{"two appenders, a reader", "ring.pml", "FIRST=1 OTHERS=1", false},
	{"…and three events", "ring.pml", "READERS=0 OTHERS=1", false},
	{"…that go round one entry", "ring.pml", "READERS=0 FIRST=3 OTHERS=1 MAXEVENTS=1 ROOM=1", false},
	{"…with own IDs", "ring.pml", "READERS=0 FIRST=1 OTHERS=1 INDEX=1", false},
	{"…with batches", "ring.pml", "READERS=0 FIRST=1 OTHERS=1 BATCH=2 INDEX=1 IMITATED=15", false},
	{"…while the ring is closed", "ring.pml", "FIRST=1 OTHERS=1 CLOSER=1", false},
	{"…while one stops for ever", "ring.pml", "READERS=0 OTHERS=1 STOPPER=1", false},
	{"one appender, a late helper", "ring.pml", "WRITERS=1 FIRST=3 HELPERS=1 READERS=0 ROOM=1 SMALLEST=4", false},
	{"…and nobody runs for ever", "ring.pml", "READERS=0 OTHERS=1", true},
}

// full are the searches whose figures count.
var full = []run{
	{"two appenders, a reader", "ring.pml", "OTHERS=1", false},
	{"…and pages that are full at any time", "ring.pml", "FIRST=2 OTHERS=1 TIGHT=1", false},
	{"…that go round one entry", "ring.pml", "READERS=0 FIRST=4 OTHERS=2 MAXEVENTS=1 ROOM=1", false},
	{"…with four events", "ring.pml", "READERS=0", false},
	{"…with own IDs", "ring.pml", "READERS=0 OTHERS=1 INDEX=1", false},
	{"…that find no place", "ring.pml", "READERS=0 OTHERS=1 INDEX=1 CELLS=1 MAXEVENTS=3", false},
	{"…that a reader seeks", "ring.pml", "FIRST=1 OTHERS=1 INDEX=1 IMITATED=2", false},
	{"…with batches of own IDs", "ring.pml", "READERS=0 OTHERS=1 BATCH=2 INDEX=1 IMITATED=15", false},
	{"…with batches, and a reader", "ring.pml", "OTHERS=1 BATCH=2 MAXEVENTS=3", false},
	{"…while the ring is closed", "ring.pml", "READERS=0 OTHERS=1 INDEX=1 CLOSER=1", false},
	{"…and a reader", "ring.pml", "FIRST=1 OTHERS=1 CLOSER=1", false},
	{"…while one stops for ever", "ring.pml", "READERS=0 STOPPER=1", false},
	{"…with a late helper", "ring.pml", "READERS=0 FIRST=3 OTHERS=1 HELPERS=1", false},
	{"…in pages of one event", "ring.pml", "READERS=0 FIRST=2 OTHERS=1 HELPERS=1 ROOM=1 SMALLEST=4", false},
	{"…that sleeps for laps", "ring.pml", "READERS=0 FIRST=3 OTHERS=1 HELPERS=1 MAXEVENTS=1 ROOM=1", false},
	{"…and nobody runs for ever", "ring.pml", "READERS=0 OTHERS=1 INDEX=1", true},
	{"three appenders: an owner, two proposers", "ring.pml", "WRITERS=3 FIRST=1 OTHERS=1 READERS=0", false},
	{"…with a reader", "ring.pml", "WRITERS=3 FIRST=1 OTHERS=1 MAXEVENTS=1", false},
	{"…and nobody runs for ever", "ring.pml", "WRITERS=3 FIRST=1 OTHERS=1 READERS=0", true},
}

// In no interleaving does an assertion fail, somebody block, or anybody run for ever without an
// append coming to its end. Every step of the models is taken in some of them.
func TestModels(t *testing.T) {
	runs, optimize := full, "-O1"
	if testing.Short() {
		runs, optimize = quick, "-O0"
	}
	results := make([]result, len(runs))
	t.Run("run", func(t *testing.T) {
		for i, r := range runs {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				results[i] = r.search(t, read(t, r.file), optimize)
				if results[i].errors > 0 {
					t.Errorf("%s\n%s", results[i].output, results[i].trail())
				}
			})
		}
	})
	lines, sum := map[string]bool{}, 0.0
	for i, r := range runs {
		t.Logf("%-36s %-70s %v", r.name, r.file+" "+r.defines, results[i])
		sum += results[i].states
		for line, reached := range results[i].lines {
			lines[line] = lines[line] || reached
		}
	}
	t.Logf("%.0f states in all", sum)
	if testing.Short() {
		return
	}
	var never []string
	for line, reached := range lines {
		if !reached {
			never = append(never, line)
		}
	}
	slices.Sort(never)
	for _, line := range never {
		t.Errorf("no run takes the step at %s", line)
	}
}

// Each mutant is refuted. Making a verifier of each takes longer than its search, so that a short
// test tries some of them.
func TestMutants(t *testing.T) {
	mutants := mutants
	if testing.Short() {
		mutants = mutants[:6]
	}
	results := make([]result, len(mutants))
	t.Run("run", func(t *testing.T) {
		for i, m := range mutants {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				text := read(t, m.file)
				for _, c := range m.changes {
					if n := strings.Count(text, c.from); n != 1 {
						t.Fatalf("%s has this %d times:\n%s", m.file, n, c.from)
					}
					text = strings.Replace(text, c.from, c.to, 1)
				}
				results[i] = m.search(t, text, "-O0")
				if results[i].errors == 0 {
					t.Errorf("nothing is wrong with it: %v", results[i])
				}
			})
		}
	})
	for i, m := range mutants {
		if results[i].output != "" {
			t.Logf("%-62s %11.0f states  %s", m.name, results[i].states, results[i].what)
		}
	}
	t.Logf("%d mutants", len(mutants))
}

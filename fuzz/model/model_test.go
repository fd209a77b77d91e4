//go:build model

package model

import (
	"slices"
	"strings"
	"testing"
)

// quick runs take some seconds together, and reach less.
var quick = []run{
	{"two writers, a reader", "ring.pml", "FIRST=1 OTHERS=1", false},
	{"…and three events", "ring.pml", "READERS=0 OTHERS=1", false},
	{"…that go round two slots", "ring.pml", "READERS=0 MAXEVENTS=1 SLOTS=2", false},
	{"…and IDs that find no place", "ring.pml", "READERS=0 OTHERS=1 MAXEVENTS=3 BUCKETS=1", false},
	{"…while the ring is closed", "ring.pml", "READERS=0 OTHERS=1 CLOSER=1", false},
	{"…while one stops for ever", "ring.pml", "READERS=0 OTHERS=1 STOPPER=1", false},
	{"…and nobody runs for ever", "ring.pml", "READERS=0 OTHERS=1", true},
	{"three writers", "ring.pml", "WRITERS=3 FIRST=1 OTHERS=1 INDEX=0", false},
	{"chunks: two writers, a reader", "chunks.pml", "FIRST=1 OTHERS=1", false},
	{"…and three events", "chunks.pml", "READERS=0 OTHERS=1", false},
	{"…while one stops for ever", "chunks.pml", "READERS=0 OTHERS=1 STOPPER=1 GIVEUP=0", false},
	{"…and nobody runs for ever", "chunks.pml", "READERS=0 OTHERS=1", true},
}

// full are the searches whose figures count.
var full = []run{
	{"two writers, a reader", "ring.pml", "OTHERS=1", false},
	{"…that go round two slots", "ring.pml", "MAXEVENTS=1 SLOTS=2", false},
	{"…and IDs that find no place", "ring.pml", "OTHERS=1 MAXEVENTS=3 BUCKETS=1", false},
	{"two writers, five events", "ring.pml", "READERS=0 FIRST=3", false},
	{"…while chunks outnumber places", "ring.pml", "READERS=0 WIDER=1", false},
	{"…while the ring is closed", "ring.pml", "READERS=0 CLOSER=1", false},
	{"…while one stops for ever", "ring.pml", "READERS=0 STOPPER=1", false},
	{"…and a reader", "ring.pml", "FIRST=1 OTHERS=1 STOPPER=1", false},
	{"…and tables are replaced at any time", "ring.pml", "READERS=0 OTHERS=1 STOPPER=1 WIDER=1", false},
	{"two writers: nobody runs for ever", "ring.pml", "READERS=0", true},
	{"three writers, the index a set", "ring.pml", "WRITERS=3 FIRST=1 OTHERS=1 INDEX=1 READERS=0", false},
	{"three writers, no index, a reader", "ring.pml", "WRITERS=3 OTHERS=1 INDEX=0", false},
	{"three writers: nobody runs for ever", "ring.pml", "WRITERS=3 OTHERS=1 INDEX=0 READERS=0", true},
	{"chunks: two writers, a reader", "chunks.pml", "OTHERS=1", false},
	{"…and four events", "chunks.pml", "READERS=0", false},
	{"…two of them retained", "chunks.pml", "READERS=0 OTHERS=1 MAXEVENTS=2", false},
	{"…five, each in a chunk that others share", "chunks.pml", "READERS=0 FIRST=3 LARGE=0 ROOM=1 GIVEUP=0", false},
	{"…while tables are replaced", "chunks.pml", "READERS=0 OTHERS=1 GROWTHS=1", false},
	{"…while one stops for ever", "chunks.pml", "READERS=0 OTHERS=1 STOPPER=1", false},
	{"…and nobody runs for ever", "chunks.pml", "READERS=0 OTHERS=1", true},
	{"…while losers are kept from wasting chunks", "chunks.pml", "READERS=0 FIRST=3 OTHERS=3 LARGE=0 ROOM=1 GIVEUP=0 WASTE=1", false},
	{"chunks: three writers", "chunks.pml", "WRITERS=3 FIRST=1 OTHERS=1 READERS=0 GIVEUP=0", false},
}

// In no interleaving does an assertion fail, somebody block, or anybody run for ever without an append coming to its end. Every step of the
// models is taken in some of them.
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

// Each mutant is refuted.
func TestMutants(t *testing.T) {
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

package report

import (
	"fmt"
	"slices"

	"github.com/reprise-go/reprise/bench/peers"
)

// A Target is a row of the project's table of targets: a figure that must not, and one that should
// not, be exceeded.
type Target struct {
	Name      string
	Unit      string // "" for ratios
	Must, Aim float64
	Amortised bool // a fraction counts as nothing, as in go test -benchmem
	eval      func(*Samples) (Figure, string)
}

// Eval returns what was measured, and what it was measured against.
func (t Target) Eval(s *Samples) (f Figure, against string) { return t.eval(s) }

// Verdict says whether the target is met: by the median, and with the spread's doubts.
func (t Target) Verdict(f Figure) string {
	if f.Runs == 0 {
		return "not measured"
	}
	holds := func(limit float64) bool {
		if t.Amortised {
			return float64(int(f.Median)) <= limit
		}
		return f.Median <= limit
	}
	v, limit := "MISSED", t.Must
	switch {
	case holds(t.Aim):
		v, limit = "met, and the aim", t.Aim
	case holds(t.Must):
		v = "met"
	}
	if !t.Amortised && f.Low != f.High && f.Crosses(limit) {
		v += " (spread crosses " + number(limit) + ")"
	}
	return v
}

// Targets are those of the event path. The release of a million sessions is bench/scale's.
func Targets() []Target {
	return slices.Concat(hotTargets(), fleetTargets(), readTargets(), memoryTargets(), allocationTargets())
}

// hotTargets are about one session, all of which is in the cache.
func hotTargets() []Target {
	hand, held := peers.ByHandCopy, "session/append.held.ns"
	return []Target{
		ratio("append, hot, assigned ID, session held", 1.2, 1, versus(peers.Reprise, hand, held)),
		ratio("append, hot, assigned ID, the ring alone", 1.1, 0.95, versus(peers.RingAlone, hand, held)),
		ratio("append, hot, own 36-byte ID, session held", 0.85, 0.65, versus(peers.RepriseOwn, peers.OldOwn, held)),
		ratio("8 goroutines on one session", 1.1, 0.9, versus(peers.Reprise, hand, "session/contended.ns")),
		ratio("8 goroutines on one session, p99.9", 1, 0.5, versus(peers.Reprise, hand, "session/contended.p99.9")),
		ratio("AppendAll of 16, per event", 0.7, 0.5,
			within(peers.Reprise, "session/batch.ns", held, "single appends")),
	}
}

// fleetTargets are about 10,000 sessions, hardly any of which is in the cache.
func fleetTargets() (targets []Target) {
	for _, f := range []struct {
		scenario, name string
		must, aim      float64 // at random
	}{
		{"mixed", "10,000 sessions of 200 to 1000 events", 1.2, 1},
		{"fleet", "10,000 sessions of 100 events", 1.5, 1.2},
	} {
		held := func(order string) func(*Samples) (Figure, string) {
			return versus(peers.Reprise, peers.ByHandCopy, f.scenario+"/"+order+".held.ns")
		}
		targets = append(targets,
			ratio("append to "+f.name+", held, at random", f.must, f.aim, held("random")),
			ratio("the same in bursts of 16", 0.95, 0.75, held("bursts")),
			ratio("the same in turn", 1.1, 0.9, held("turn")),
			ratio("append to "+f.name+", by session ID at random", 1, 0.7,
				versusBest(peers.Reprise, f.scenario+"/random.ns", false, true)),
		)
	}
	return targets
}

// readTargets are about reading.
func readTargets() []Target {
	return []Target{
		ratio("Next", 1, 0.85, versus(peers.Reprise, peers.Old, "reads/next.ns")),
		ratio("Seek + 10 events, assigned IDs", 1, 0.8, versus(peers.Reprise, peers.Old, "reads/seek10.ns")),
		ratio("Seek + 10 events, own IDs", 1, 0.8, versus(peers.RepriseOwn, peers.OldOwn, "reads/seek10.ns")),
		ratio("Seek + 10 at MaxEvents 100,000, assigned IDs", 1.2, 1.05, farther(peers.Reprise)),
		ratio("Seek + 10 at MaxEvents 100,000, own IDs", 1.2, 1.05, farther(peers.RepriseOwn)),
		ratio("event-stream format, 4 KiB of one line out of 8 MiB", 4, 3,
			within(peers.Reprise, "sse/encode.ns", "sse/memcpy.ns", "memcpy")),
	}
}

// memoryTargets are about what events take, and what the collector does with it.
func memoryTargets() []Target {
	hand := peers.ByHandCopy
	targets := []Target{
		ratio("full collection, 4 million events", 0.25, 0.15, versus(peers.Reprise, hand, "retained/collect.ns")),
		ratio("heap objects, 4 million events", 1.0/20, 1.0/40, versus(peers.Reprise, hand, "retained/objects")),
		ratio("append while the collector works, p99.99", 1.2, 1, versus(peers.Reprise, hand, "retained/tail.p99.99")),
	}
	for _, o := range []struct {
		size      int
		must, aim float64
	}{{100, 55, 45}, {256, 60, 45}, {1000, 80, 60}, {4000, 110, 80}} {
		targets = append(targets, bytes(fmt.Sprintf("overhead per event of %d B, full ring, assigned IDs", o.size),
			o.must, o.aim, peers.Reprise, fmt.Sprintf("memory/full.%d.bytes", o.size)))
	}
	return append(targets,
		bytes("overhead per event of 256 B, full ring, own IDs", 80, 70, peers.RepriseOwn, "memory/full.256.bytes"),
		bytes("ring with ten 100-byte events", 2100, 1900, peers.Reprise, "memory/ten.bytes"),
		bytes("idle session, all in", 320, 256, peers.Reprise, "memory/idle.bytes"),
	)
}

// allocationTargets are all 0.
func allocationTargets() (targets []Target) {
	for _, a := range []struct{ name, ours, measure string }{
		{"Append", peers.Reprise, "session/append.held.allocs"},
		{"Append, own ID", peers.RepriseOwn, "session/append.held.allocs"},
		{"Seek", peers.Reprise, "reads/seek.allocs"},
		{"Next", peers.Reprise, "reads/next.allocs"},
		{"Get", peers.Reprise, "reads/get.allocs"},
		{"Touch", peers.Reprise, "reads/touch.allocs"},
	} {
		targets = append(targets,
			Target{Name: "allocations per " + a.name, Amortised: true, eval: alone(a.ours, a.measure)})
	}
	return targets
}

func ratio(name string, must, aim float64, eval func(*Samples) (Figure, string)) Target {
	return Target{Name: name, Must: must, Aim: aim, eval: eval}
}

func bytes(name string, must, aim float64, ours, measure string) Target {
	return Target{Name: name, Unit: "B", Must: must, Aim: aim, eval: alone(ours, measure)}
}

// versus is a ratio to a contestant.
func versus(ours, theirs, measure string) func(*Samples) (Figure, string) {
	return func(s *Samples) (Figure, string) {
		return Ratio(s.Of(ours, measure), s.Of(theirs, measure)), theirs
	}
}

// versusBest is a ratio to the released contestant that does best, of those whose events have the
// producers' IDs or not.
func versusBest(ours, measure string, ownIDs ...bool) func(*Samples) (Figure, string) {
	return func(s *Samples) (f Figure, against string) {
		least := 0.0
		for _, own := range ownIDs {
			c := s.Best(measure, own)
			if m := s.Figure(c, measure); m.Runs > 0 && (against == "" || m.Median < least) {
				against, least = c, m.Median
			}
		}
		return Ratio(s.Of(ours, measure), s.Of(against, measure)), against
	}
}

// within is the ratio of two measures of the same contestant.
func within(ours, measure, other, called string) func(*Samples) (Figure, string) {
	return func(s *Samples) (Figure, string) { return Ratio(s.Of(ours, measure), s.Of(ours, other)), called }
}

// farther is the ratio of a seek in a large session to one in a small one.
func farther(ours string) func(*Samples) (Figure, string) {
	return within(ours, "reads/seek10.far.ns", "reads/seek10.ns", "MaxEvents 1000")
}

// alone is not a ratio.
func alone(ours, measure string) func(*Samples) (Figure, string) {
	return func(s *Samples) (Figure, string) { return s.Figure(ours, measure), "" }
}

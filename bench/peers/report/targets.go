package report

import (
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

// Verdict says whether the target holds: by the median, and with the spread's doubts.
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
	v, limit := "NO", t.Must
	switch {
	case holds(t.Aim):
		v, limit = "yes, and the aim", t.Aim
	case holds(t.Must):
		v = "yes"
	}
	if !t.Amortised && f.Low != f.High && f.Crosses(limit) {
		v += " (spread crosses " + number(limit) + ")"
	}
	return v
}

// Targets are those of the event path.
func Targets() []Target {
	hand, same := peers.ByHandCopy, peers.Reprise
	return []Target{
		{
			Name: "Append, assigned ID, hot",
			Must: 1.2,
			Aim:  0.8,
			eval: versus(peers.Reprise, hand, "session/append.held.ns"),
		},
		{
			Name: "Append, own 36-byte ID, hot",
			Must: 2.5,
			Aim:  1.6,
			eval: versus(peers.RepriseOwn, hand, "session/append.held.ns"),
		},
		{
			Name: "Append, assigned ID, 10,000 sessions at random, held",
			Must: 1.6,
			Aim:  1.1,
			eval: versus(peers.Reprise, hand, "fleet/random.held.ns"),
		},
		{
			Name: "the same by session ID",
			Must: 1,
			Aim:  0.7,
			eval: versusBest(peers.Reprise, "fleet/random.ns", false, true),
		},
		{
			Name: "the same in bursts of 16, held",
			Must: 1,
			Aim:  0.8,
			eval: versus(peers.Reprise, hand, "fleet/bursts.held.ns"),
		},
		{
			Name: "8 goroutines on one session",
			Must: 1.5,
			Aim:  1.1,
			eval: versus(peers.Reprise, hand, "session/contended.ns"),
		},
		{
			Name: "8 goroutines on one session, p99.9",
			Must: 1,
			Aim:  0.5,
			eval: versus(peers.Reprise, hand, "session/contended.p99.9"),
		},
		{
			Name: "Seek + 10 events, own IDs",
			Must: 0.05,
			Aim:  0.01,
			eval: versusBest(peers.RepriseOwn, "session/replay.ns", true),
		},
		{
			Name: "Seek + 10 events, assigned IDs",
			Must: 1.2,
			Aim:  0.8,
			eval: versusBest(peers.Reprise, "session/replay.ns", false),
		},
		{Name: "Next, per event", Unit: "ns", Must: 20, Aim: 14, eval: alone(same, "reads/next.ns")},
		{Name: "Seek + 10 at MaxEvents 100,000 against 1000", Must: 1.2, Aim: 1.05, eval: farther(peers.Reprise)},
		{Name: "the same with own IDs", Must: 1.2, Aim: 1.05, eval: farther(peers.RepriseOwn)},
		{Name: "allocations per Append", Amortised: true, eval: alone(same, "session/append.held.allocs")},
		{
			Name:      "allocations per Append, own ID",
			Amortised: true,
			eval:      alone(peers.RepriseOwn, "session/append.held.allocs"),
		},
		{Name: "allocations per Seek", Amortised: true, eval: alone(same, "reads/seek.allocs")},
		{Name: "allocations per Next", Amortised: true, eval: alone(same, "reads/next.allocs")},
		{Name: "allocations per Get", Amortised: true, eval: alone(same, "reads/get.allocs")},
		{Name: "allocations per Touch", Amortised: true, eval: alone(same, "reads/touch.allocs")},
		{
			Name: "full collection, 4 million events",
			Must: 0.6,
			Aim:  0.4,
			eval: versus(peers.Reprise, hand, "retained/collect.ns"),
		},
		{
			Name: "heap objects, 4 million events",
			Must: 1.0 / 30,
			Aim:  1.0 / 60,
			eval: versus(peers.Reprise, hand, "retained/objects"),
		},
		{
			Name: "overhead per event in a full ring, assigned IDs",
			Unit: "B",
			Must: 75,
			Aim:  50,
			eval: alone(same, "memory/full.bytes"),
		},
		{
			Name: "overhead per event in a full ring, own IDs",
			Unit: "B",
			Must: 100,
			Aim:  70,
			eval: alone(peers.RepriseOwn, "memory/full.bytes"),
		},
		{Name: "empty ring", Unit: "B", Must: 160, Aim: 96, eval: alone(same, "memory/empty.bytes")},
		{
			Name: "ring with ten 100-byte events",
			Unit: "B",
			Must: 3 << 10,
			Aim:  2 << 10,
			eval: alone(same, "memory/ten.bytes"),
		},
	}
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

// farther is the ratio of a seek in a large session to one in a small one.
func farther(ours string) func(*Samples) (Figure, string) {
	return func(s *Samples) (Figure, string) {
		return Ratio(s.Of(ours, "reads/seek10.far.ns"), s.Of(ours, "reads/seek10.ns")), "itself"
	}
}

// alone is not a ratio.
func alone(ours, measure string) func(*Samples) (Figure, string) {
	return func(s *Samples) (Figure, string) { return s.Figure(ours, measure), "" }
}

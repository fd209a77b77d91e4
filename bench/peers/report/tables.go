package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/bench/peers/measure"
)

// A column is a measure that all contestants, or many, are compared by. Less is better in all of
// them.
type column struct {
	measure string
	title   string
	scale   float64 // of what is printed to what was measured
}

func columns(z measure.Sizes) []column {
	c := []column{
		{"session/append.ns", "append to one session, ns", 1},
		{"session/append.held.ns", "the same, session held, ns", 1},
		{"session/append.held.allocs", "allocations per append, session held", 1},
		{"session/batch.ns", "16 events at once, per event, ns", 1},
		{"session/contended.ns", fmt.Sprintf("%d goroutines on one session, ns", z.Writers), 1},
		{"session/contended.p99.9", "the same, p99.9, µs", 1e-3},
		{"session/replay.ns", fmt.Sprintf("replay of the last 10 of %d, ns", z.Retain), 1},
		{"reads/next.ns", "Next, ns", 1},
		{"reads/seek10.ns", "Seek + 10 events, session held, ns", 1},
		{"reads/seek10.far.ns", fmt.Sprintf("the same at MaxEvents %d, ns", z.Far), 1},
		{"sse/encode.ns", "event-stream format, 4 KiB, ns", 1},
		{"sse/memcpy.ns", "memcpy of the same, ns", 1},
	}
	for _, f := range []struct{ scenario, events string }{
		{"fleet", fmt.Sprint(z.Each)}, {"mixed", fmt.Sprintf("%d to %d", z.Least, z.Most)},
	} {
		c = append(c,
			column{f.scenario + "/random.ns", fmt.Sprintf("append to %d sessions of %s events at random, ns",
				z.Sessions, f.events), 1},
			column{f.scenario + "/random.held.ns", "the same, sessions held, ns", 1},
			column{f.scenario + "/bursts.ns", "in bursts of 16, ns", 1},
			column{f.scenario + "/bursts.held.ns", "the same, sessions held, ns", 1},
			column{f.scenario + "/turn.ns", "in turn, ns", 1},
			column{f.scenario + "/turn.held.ns", "the same, sessions held, ns", 1},
			column{f.scenario + "/parallel.ns", "at random on all processors, ns", 1},
		)
	}
	c = append(c, []column{
		{"retained/collect.ns", fmt.Sprintf("full collection, %d events retained, ms", z.Retained), 1e-6},
		{"retained/objects", "heap objects, thousands", 1e-3},
		{"retained/overhead.bytes", "bytes per event beyond its payload", 1},
		{"retained/tail.p50", "append meanwhile, p50, ns", 1},
		{"retained/tail.p99", "p99, µs", 1e-3},
		{"retained/tail.p99.9", "p99.9, µs", 1e-3},
		{"retained/tail.p99.99", "p99.99, µs", 1e-3},
		{"retained/tail.max", "max, µs", 1e-3},
		{"memory/empty.bytes", "empty ring, B", 1},
		{"memory/idle.ten.bytes", "session with ten events of 100 B, all in, B", 1},
	}...)
	for _, n := range z.Drained {
		c = append(c,
			column{fmt.Sprintf("drained/drained.%d.ns", n), fmt.Sprintf("append after %d drained streams, ns", n), 1})
	}
	return c
}

// measured returns the contestants of whom there is anything in the columns, in their order.
func measured(s *Samples, cols []column) (who []peers.Contestant) {
	for _, c := range peers.All() {
		for _, col := range cols {
			if s.Figure(c.Name, col.measure).Runs > 0 {
				who = append(who, c)
				break
			}
		}
	}
	return who
}

// TargetTable says of each target whether it holds.
func TargetTable(s *Samples) string {
	t := newTable("measure", "against", "must", "aim", "measured", "spread", "verdict")
	for _, target := range Targets() {
		f, against := target.Eval(s)
		unit := target.Unit
		if unit != "" {
			unit = " " + unit
		}
		t.row(
			target.Name,
			or(against, "–"),
			number(target.Must)+unit,
			number(target.Aim)+unit,
			number(f.Median)+unit,
			spread(f),
			target.Verdict(f),
		)
	}
	return t.String()
}

// MedianTable has a row for each measure and a column for each contestant, of those that there are.
func MedianTable(s *Samples, z measure.Sizes) string {
	cols := columns(z)
	who := measured(s, cols)
	head := []string{"median"}
	for _, c := range who {
		head = append(head, c.Name)
	}
	t := newTable(head...)
	for _, col := range cols {
		row, any := []string{col.title}, false
		for _, c := range who {
			f := s.Figure(c.Name, col.measure)
			row, any = append(row, number(f.Scale(col.scale).Median)), any || f.Runs > 0
		}
		if any {
			t.row(row...)
		}
	}
	return t.String()
}

// RatioTable compares Reprise with everybody in every measure: below 1 it takes less. Contestants
// with the producers' event IDs are compared with Reprise with such IDs, and the control with what
// it is the control of.
func RatioTable(s *Samples, z measure.Sizes) string {
	t := newTable("measure", "Reprise", "against", "theirs", "ratio", "spread", "Reprise takes")
	for _, col := range columns(z) {
		for _, c := range peers.All() {
			ours, against := counterpart(c)
			theirs := s.Figure(c.Name, col.measure)
			if theirs.Runs == 0 || c.Name == peers.Reprise || c.Name == peers.RepriseOwn || c.Name == peers.RingAlone {
				continue
			}
			r := Ratio(s.Of(ours, col.measure), s.Of(c.Name, col.measure))
			t.row(
				col.title,
				number(s.Figure(ours, col.measure).Scale(col.scale).Median),
				against,
				number(theirs.Scale(col.scale).Median),
				number(r.Median),
				spread(r),
				verdict(r),
			)
		}
	}
	return t.String()
}

// counterpart returns who is compared with c, and what the table calls that.
func counterpart(c peers.Contestant) (ours, against string) {
	switch {
	case c.Control:
		return peers.ByHandCopy, "by hand against itself (control)"
	case c.OwnIDs:
		return peers.RepriseOwn, c.Name
	}
	return peers.Reprise, c.Name
}

// verdict says which side of 1 a ratio is on.
func verdict(f Figure) string {
	switch {
	case f.Runs == 0:
		return "–"
	case f.Low < 1.005 && f.High > 0.995: // the spread has 1 in it, or what is printed as 1
		return "not distinguishable"
	case f.Median < 1:
		return "less"
	}
	return "more"
}

func spread(f Figure) string {
	if f.Runs == 0 {
		return "–"
	}
	return number(f.Low) + " – " + number(f.High)
}

// number prints three significant digits, and all digits of larger numbers.
func number(v float64) string {
	switch {
	case v != v:
		return "–"
	case v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v > -0.0005 && v < 0.0005:
		return "0"
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// A table is Markdown, with columns as wide as what is in them.
type table struct{ rows [][]string }

func newTable(head ...string) *table { return &table{[][]string{head}} }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	width := make([]int, len(t.rows[0]))
	for _, r := range t.rows {
		for i, c := range r {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	var b strings.Builder
	for n, r := range t.rows {
		for i, c := range r {
			fmt.Fprintf(&b, "| %-*s ", width[i], c)
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i := range r {
			b.WriteString("|" + strings.Repeat("-", width[i]+2))
		}
		b.WriteString("|\n")
	}
	return b.String()
}

package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/reprise-go/reprise/bench/peers/measure"
)

// A Run is what a page is about.
type Run struct {
	Command string
	Machine []string
	Start   time.Time
	Took    time.Duration
	Runs    int
	Few     int  // of them for scenarios that are done in few
	Quick   bool // the sizes are not those that the targets are about
	Sizes   measure.Sizes
	Samples *Samples
	Charts  []Image // may be none
}

// An Image is a chart that the page shows.
type Image struct{ Title, File string }

// Page is all of it as Markdown.
func (r Run) Page() string {
	var b strings.Builder
	z := r.Sizes
	fmt.Fprintf(&b, `# Reprise beside its peers

One run of `+"`%s`"+` on %s: %d rounds in %s.

`, r.Command, r.Start.UTC().Format("2 January 2006"), r.Runs, r.Took.Round(time.Second))
	for _, l := range r.Machine {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	if r.Quick {
		b.WriteString("- **a quick run**: smaller sizes and shorter windows than the targets are about\n")
	}
	fmt.Fprintf(&b, `
How to read it. In each round every contestant does every piece of work once, in a process of its own; who begins changes from round to round. What
hardly varies, and what takes the released libraries long, is done in the first %d rounds. A figure is the median of its rounds, and within a round the
median of five windows of %s. A ratio is Reprise's figure by theirs: the median of the ratios of the single rounds, so that what disturbs the machine for
a while disturbs both sides. Less is better everywhere. The spread is where the true median is with a confidence of 95%% (of fewer than nine rounds: the
least and the greatest ratio). A ratio whose spread has 1 in it is not distinguishable from 1. The control is the ring by hand a second time: how far its
ratio is from 1 is how far the same thing is from itself. Old Reprise is another commit, measured by the same code; it is there when the command says -old.

Events have %d bytes unless a row says otherwise. Every contestant ends up owning its payload: a store that keeps the caller's slice is given a fresh
copy, one that copies is not; only "by hand, shared payload" stores one slice again and again, which no server can. One session retains %d events, and
sessions of as many retain %d in all while collections are measured. Stores without a bound (mcp-go, r3labs) grow.

## Targets

Allocations count as go test -benchmem counts them: rounded down. How fast a million sessions that expire together are released is
measured by go run ./bench/scale -only expiry.

`, r.Few, z.Window, z.Payload, z.Retain, z.Retained)
	b.WriteString(TargetTable(r.Samples))
	if len(r.Charts) > 0 {
		b.WriteString(
			"\n## Charts\n\nThe axes are logarithmic, a mark is a median and a bar its spread; less is better.\n",
		)
	}
	for _, c := range r.Charts {
		fmt.Fprintf(&b, "\n![%s](%s)\n", c.Title, c.File)
	}
	b.WriteString("\n## Medians\n\n")
	b.WriteString(MedianTable(r.Samples, z))
	b.WriteString(
		"\n## Ratios\n\nContestants with the producers' event IDs are compared with Reprise with such IDs, all " +
			"others with assigned ones.\n\n",
	)
	b.WriteString(RatioTable(r.Samples, z))
	return b.String()
}

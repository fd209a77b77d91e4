package report

import (
	"strings"
	"testing"

	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/bench/peers/measure"
)

func TestVerdictSaysWhichLimitHolds(t *testing.T) {
	target := Target{Must: 1.2, Aim: 0.8}
	for _, c := range []struct {
		f    Figure
		want string
	}{
		{Figure{0.7, 0.6, 0.75, 7}, "met, and the aim"},
		{Figure{0.7, 0.6, 0.9, 7}, "met, and the aim (spread crosses 0.8)"},
		{Figure{1.2, 1.1, 1.19, 7}, "met"},
		{Figure{1, 0.7, 1.3, 7}, "met (spread crosses 1.2)"},
		{Figure{1.5, 1.3, 1.6, 7}, "MISSED"},
		{Figure{1.3, 1.1, 1.6, 7}, "MISSED (spread crosses 1.2)"},
		{Summarize(nil), "not measured"},
	} {
		if got := target.Verdict(c.f); got != c.want {
			t.Errorf("%v: %q, want %q", c.f, got, c.want)
		}
	}
	amortised := Target{Amortised: true}
	if got := amortised.Verdict(Figure{0.06, 0.05, 0.07, 7}); got != "met, and the aim" {
		t.Errorf("0.06 allocations: %q", got)
	}
	if got := amortised.Verdict(Figure{1, 1, 1, 7}); got != "MISSED" {
		t.Errorf("1 allocation: %q", got)
	}
}

func TestTargetsTakeTheBestReleasedPeer(t *testing.T) {
	s := samples(map[string]float64{
		peers.Reprise: 300, peers.ByHandCopy: 100, peers.GoSDK: 400, "centrifuge memory broker": 600,
		"go-sse FiniteReplayer, own IDs": 200,
	}, "fleet/random.ns")
	if got := s.Best("fleet/random.ns", false); got != peers.GoSDK {
		t.Errorf("the best with assigned IDs is %q", got)
	}
	if got := s.Best("fleet/random.ns", true); got != "go-sse FiniteReplayer, own IDs" {
		t.Errorf("the best with own IDs is %q", got)
	}
	if got := s.Best("session/append.ns", true); got != "" {
		t.Errorf("the best in what was not measured is %q", got)
	}
	for _, target := range Targets() {
		if target.Name != "append to 10,000 sessions of 100 events, by session ID at random" {
			continue
		}
		if f, against := target.Eval(s); f.Median != 1.5 || against != "go-sse FiniteReplayer, own IDs" {
			t.Errorf("%s: %v against %q", target.Name, f, against)
		}
	}
}

func TestTargetsOfOneContestantCompareTwoOfItsMeasures(t *testing.T) {
	s := NewSamples(2)
	for run, single := range []float64{100, 200} {
		s.Add(run, measure.Job{Scenario: "session", Contestant: peers.Reprise},
			measure.Result{"append.held.ns": single, "batch.ns": single / 2})
	}
	for _, target := range Targets() {
		f, against := target.Eval(s)
		if batch := target.Name == "AppendAll of 16, per event"; batch != (f.Runs == 2) ||
			batch && (f.Median != 0.5 || against != "single appends") {
			t.Errorf("%s: %v against %q", target.Name, f, against)
		}
	}
}

func TestNobodyWhoWasNotMeasuredHasAColumn(t *testing.T) {
	s := samples(map[string]float64{peers.Reprise: 10, peers.Old: 20}, "reads/next.ns")
	head, _, _ := strings.Cut(MedianTable(s, measure.Quick()), "\n")
	if strings.Count(head, "|") != 4 || !strings.Contains(head, peers.Old) {
		t.Errorf("the columns are %s", head)
	}
	if out := RatioTable(s, measure.Quick()); !strings.Contains(out, "| 0.5 ") {
		t.Errorf("Reprise is not compared with what it was:\n%s", out)
	}
}

func TestRatiosAreByKindOfID(t *testing.T) {
	s := samples(map[string]float64{
		peers.Reprise: 10, peers.RepriseOwn: 20, peers.GoSDK: 20, "go-sse FiniteReplayer, own IDs": 40,
	}, "session/append.ns")
	out := RatioTable(s, measure.Quick())
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, peers.GoSDK) && !strings.Contains(line, "| 10 ") ||
			strings.Contains(line, "own IDs |") && !strings.Contains(line, "| 20 ") {
			t.Errorf("wrong pair: %s", line)
		}
	}
	if strings.Count(out, "| 0.5   | 0.5 – 0.5 | less ") != 2 {
		t.Errorf("want two ratios of a half:\n%s", out)
	}
}

func TestTheControlIsComparedWithItsTwin(t *testing.T) {
	s := samples(
		map[string]float64{peers.Reprise: 10, peers.ByHandCopy: 30, "by hand again (control)": 30},
		"session/append.ns",
	)
	if out := RatioTable(s, measure.Quick()); !strings.Contains(
		out,
		"against itself (control) | 30     | 1     | 1 – 1         | not distinguishable",
	) {
		t.Errorf("no control:\n%s", out)
	}
}

func TestARatioWhoseSpreadCrossesOneIsSaidToBeUndecided(t *testing.T) {
	for _, c := range []struct {
		f    Figure
		want string
	}{
		{Figure{0.8, 0.7, 0.9, 7}, "less"},
		{Figure{0.8, 0.7, 1.1, 7}, "not distinguishable"},
		{Figure{1.2, 0.9, 1.3, 7}, "not distinguishable"},
		{Figure{1.2, 1.1, 1.3, 7}, "more"},
		{Figure{1.0001, 1.0001, 1.0002, 7}, "not distinguishable"},
		{Summarize(nil), "–"},
	} {
		if got := verdict(c.f); got != c.want {
			t.Errorf("%v: %q, want %q", c.f, got, c.want)
		}
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0123456: "0.0123", 1.234: "1.23", 12.34: "12.3", 123.4: "123",
		123456: "123456", 0.00001: "0"} {
		if got := number(v); got != want {
			t.Errorf("%v is printed %q, want %q", v, got, want)
		}
	}
}

func samples(values map[string]float64, name string) *Samples {
	s := NewSamples(3)
	scenario, measured, _ := strings.Cut(name, "/")
	for c, v := range values {
		for run := range 3 {
			s.Add(run, measure.Job{Scenario: scenario, Contestant: c}, measure.Result{measured: v})
		}
	}
	return s
}

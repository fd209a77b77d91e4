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
		{Figure{0.7, 0.6, 0.75, 7}, "yes, and the aim"},
		{Figure{0.7, 0.6, 0.9, 7}, "yes, and the aim (spread crosses 0.8)"},
		{Figure{1.2, 1.1, 1.19, 7}, "yes"},
		{Figure{1, 0.7, 1.3, 7}, "yes (spread crosses 1.2)"},
		{Figure{1.5, 1.3, 1.6, 7}, "NO"},
		{Figure{1.3, 1.1, 1.6, 7}, "NO (spread crosses 1.2)"},
		{Summarize(nil), "not measured"},
	} {
		if got := target.Verdict(c.f); got != c.want {
			t.Errorf("%v: %q, want %q", c.f, got, c.want)
		}
	}
	amortised := Target{Amortised: true}
	if got := amortised.Verdict(Figure{0.06, 0.05, 0.07, 7}); got != "yes, and the aim" {
		t.Errorf("0.06 allocations: %q", got)
	}
	if got := amortised.Verdict(Figure{1, 1, 1, 7}); got != "NO" {
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
		if target.Name != "the same by session ID" {
			continue
		}
		if f, against := target.Eval(s); f.Median != 1.5 || against != "go-sse FiniteReplayer, own IDs" {
			t.Errorf("%s: %v against %q", target.Name, f, against)
		}
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

package chart

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/bench/peers/measure"
	"github.com/reprise-go/reprise/bench/peers/report"
)

// sampled has a figure for every contestant, the later ones the larger.
func sampled(name string) *report.Samples {
	s := report.NewSamples(3)
	scenario, measured, _ := strings.Cut(name, "/")
	for i, c := range peers.All() {
		for run := range 3 {
			s.Add(
				run,
				measure.Job{Scenario: scenario, Contestant: c.Name},
				measure.Result{measured: float64(100*(i+1) + run)},
			)
		}
	}
	return s
}

// texts returns what a reader can read in an SVG file, in the order in which it is drawn.
func texts(t *testing.T, svg []byte) (all []string) {
	t.Helper()
	d, in := xml.NewDecoder(strings.NewReader(string(svg))), false
	for {
		token, err := d.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			in = e.Name.Local == "text"
		case xml.EndElement:
			in = false
		case xml.CharData:
			if in {
				all = append(all, string(e))
			}
		}
	}
}

func TestEveryContestantHasALineAndAValue(t *testing.T) {
	charts := All(sampled("fleet/random.ns"), measure.Full())
	if len(charts) != 1 {
		t.Fatalf("%d charts of one measure", len(charts))
	}
	dir := filepath.Join(t.TempDir(), "made")
	if err := WriteAll(dir, charts); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "fleet.svg"))
	if err != nil {
		t.Fatal(err)
	}
	read := texts(t, svg)
	for i, c := range peers.All() {
		if !c.Charted() {
			continue
		}
		for _, want := range []string{c.Name, Duration(float64(100*(i+1) + 1))} {
			if !slices.Contains(read, want) {
				t.Errorf("no %q in %q", want, read)
			}
		}
	}
	if !slices.Contains(read, charts[0].Title) {
		t.Errorf("no title in %q", read)
	}
}

func TestAFigureThatALogarithmCannotShowIsAnError(t *testing.T) {
	c := Chart{
		File:   "x.svg",
		Format: Duration,
		Points: []Point{{Name: "nobody", Figure: report.Figure{Median: 1, Runs: 1}}},
	}
	if err := c.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("error %v", err)
	}
}

func TestTicksAreRoundNumbersWithinTheAxis(t *testing.T) {
	for _, c := range []struct {
		least, most float64
		want        string
	}{
		{90, 1100, "100 ns,200 ns,500 ns,1 µs"},
		{0.5, 3e4, "1 ns,10 ns,100 ns,1 µs,10 µs"},
	} {
		var labels []string
		for _, tick := range ticks(Duration).Ticks(c.least, c.most) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, ","); got != c.want {
			t.Errorf("%v to %v: %s, want %s", c.least, c.most, got, c.want)
		}
	}
}

func TestValuesHaveThreeDigitsAndAUnit(t *testing.T) {
	for got, want := range map[string]string{
		Duration(12.345): "12.3 ns", Duration(1234): "1.23 µs", Duration(5.6e6): "5.6 ms", Duration(2e9): "2 s",
		Count(999): "999", Count(54_321): "54.3 k", Count(4e6): "4 M", Bytes(68.25): "68.2 B",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

package chart

import (
	"fmt"
	"os"

	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/bench/peers/measure"
	"github.com/reprise-go/reprise/bench/peers/report"
)

// All are the charts of a comparison, the two that matter most first: those that have anything to
// show.
func All(s *report.Samples, z measure.Sizes) (charts []Chart) {
	for _, m := range []struct {
		file, measure, title string
		format               func(float64) string
	}{
		{"fleet.svg", "fleet/random.ns", fmt.Sprintf("append to one of %d sessions at random, by session ID",
			z.Sessions), Duration},
		{"collection.svg", "retained/collect.ns", fmt.Sprintf("full collection with %s events retained",
			Count(float64(z.Retained))), Duration},
		{"append.svg", "session/append.ns", "append to one session", Duration},
		{"replay.svg", "session/replay.ns", fmt.Sprintf("replay of the last 10 events of %d", z.Retain), Duration},
		{"contended.svg", "session/contended.p99.9", fmt.Sprintf("append by %d goroutines to one session, "+
			"p99.9", z.Writers), Duration},
		{"tail.svg", "retained/tail.p99.99", fmt.Sprintf("append while the collector works, %s events retained, "+
			"p99.99", Count(float64(z.Retained))), Duration},
		{"objects.svg", "retained/objects", fmt.Sprintf("heap objects with %s events retained",
			Count(float64(z.Retained))), Count},
		{"overhead.svg", "retained/overhead.bytes", "bytes per event beyond its payload, event ID included", Bytes},
	} {
		c := Chart{File: m.file, Title: m.title, Format: m.format}
		for _, who := range peers.All() {
			f := s.Figure(who.Name, m.measure)
			if f.Runs == 0 || f.Low <= 0 || !who.Charted() {
				continue
			}
			c.Points = append(c.Points, Point{who.Name, f, kind(who)})
		}
		if len(c.Points) > 0 {
			charts = append(charts, c)
		}
	}
	return charts
}

func kind(c peers.Contestant) Kind {
	switch c.Name {
	case peers.Reprise, peers.RepriseOwn:
		return Ours
	case peers.ByHandCopy:
		return ByHand
	}
	return Peer
}

// WriteAll draws charts into files of a directory, which it makes.
func WriteAll(dir string, charts []Chart) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, c := range charts {
		if err := c.Write(dir); err != nil {
			return err
		}
	}
	return nil
}

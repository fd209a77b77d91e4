package prometheus

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/reprise-go/reprise/replay"
)

// A dashboard is as much of Grafana's format as the tests look at.
type dashboard struct {
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Panels []struct {
		ID          int
		Title       string
		Description string
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct{ Expr, RefID string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// series returns the names of all time series as a query has to write them, and for each the metric
// and its labels.
func series(t *testing.T) (metrics map[string]string, labels map[string][]string) {
	t.Helper()
	m, h := busy(t)
	families, err := registered(t, New(m, Options{Handlers: map[string]*replay.Handler{"events": h}})).Gather()
	if err != nil {
		t.Fatal(err)
	}
	metrics, labels = map[string]string{}, map[string][]string{}
	for _, f := range families {
		names := []string{f.GetName()}
		if f.GetType() == dto.MetricType_HISTOGRAM {
			names = []string{f.GetName() + "_bucket", f.GetName() + "_sum", f.GetName() + "_count"}
		}
		for _, name := range names {
			metrics[name] = f.GetName()
			labels[name] = []string{"job", "instance"}
			for _, l := range f.GetMetric()[0].GetLabel() {
				labels[name] = append(labels[name], l.GetName())
			}
		}
	}
	return metrics, labels
}

var (
	seriesInQuery  = regexp.MustCompile(`(reprise_\w+)(?:\{([^}]*)\})?`)
	labelInQuery   = regexp.MustCompile(`(\w+)=`)
	groupingLabels = regexp.MustCompile(`by \(([^)]*)\)`)
)

func TestTheDashboardShowsEveryMetricAndNoOther(t *testing.T) {
	metrics, labels := series(t)
	shown := map[string]bool{}
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			for _, found := range seriesInQuery.FindAllStringSubmatch(target.Expr, -1) {
				metric, ok := metrics[found[1]]
				if !ok {
					t.Errorf("%s: there is no %s", panel.Title, found[1])
				}
				shown[metric] = true
				for _, l := range labelInQuery.FindAllStringSubmatch(found[2], -1) {
					if !slices.Contains(labels[found[1]], l[1]) {
						t.Errorf("%s: %s has no label %s", panel.Title, found[1], l[1])
					}
				}
				for _, by := range groupingLabels.FindAllStringSubmatch(target.Expr, -1) {
					if !slices.Contains(append(labels[found[1]], "le"), by[1]) {
						t.Errorf("%s: %s has no label %s", panel.Title, found[1], by[1])
					}
				}
			}
		}
	}
	for _, metric := range slices.Sorted(maps.Values(metrics)) {
		if !shown[metric] {
			t.Errorf("no panel shows %s", metric)
		}
	}
}

// A rate of a gauge, or a counter without one, says nothing.
func TestTheDashboardTakesRatesOfCountersAlone(t *testing.T) {
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			name := seriesInQuery.FindStringSubmatch(target.Expr)[1]
			rises := strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_bucket")
			if rises != strings.Contains(target.Expr, "rate(") {
				t.Errorf("%s: %s", panel.Title, target.Expr)
			}
		}
	}
}

func TestTheDashboardsPanelsDoNotOverlap(t *testing.T) {
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range readDashboard(t).Panels {
		if p.Title == "" || p.Description == "" || ids[p.ID] {
			t.Errorf("panel %d %q has no name, or another's number, or says nothing", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q, or beside the page", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

func TestTheDashboardsVariablesAreLabelsOfAMetric(t *testing.T) {
	metrics, _ := series(t)
	queries := 0
	for _, v := range readDashboard(t).Templating.List {
		if v.Definition == "" {
			continue
		}
		queries++
		if name := seriesInQuery.FindStringSubmatch(v.Definition)[1]; metrics[name] == "" {
			t.Errorf("%s asks for %s", v.Name, name)
		}
	}
	if queries != 2 {
		t.Errorf("%d variables", queries)
	}
}

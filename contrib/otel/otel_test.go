package otel

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// newManager makes a manager that is closed with the test.
var newManager = shardtest.New

// busy is a manager and a handler that have done something of most kinds.
func busy(t testing.TB) (*shard.Manager, *replay.Handler) {
	t.Helper()
	m := newManager(t, shard.Config{MaxSessions: 50, MaxBytes: 1 << 20, Ring: ring.Config{MaxEvents: 3}})
	h := &replay.Handler{Store: replay.Local(m), Retry: -1}
	s := shardtest.Create(t, m, "s", "")
	for i := range 5 {
		if _, err := s.Append(ring.Event{ID: string(rune('a' + i)), Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	s.Append(ring.Event{ID: "e"}) // a duplicate
	s.Append(ring.Event{Type: "a\nb"})
	s.Append(ring.Event{Data: make([]byte, 1<<20+1)})
	s.Claim("a")
	s.Claim("a")
	m.CreateWithID("s", shard.Metadata{})
	m.CreateWithID("a b", shard.Metadata{})
	m.Create(shard.Metadata{Transport: "\xff"})
	m.Get("unknown")
	m.Authorize("s", "somebody")
	shardtest.Create(t, m, "ended", "").Terminate()
	for _, lastEventID := range []string{"gone", "c"} {
		s.Finish()
		r := httptest.NewRequest("GET", "/?session=s", nil)
		r.Header.Set("Last-Event-ID", lastEventID)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	s.Append(ring.Event{})
	return m, h
}

// collect returns what a reader of the SDK's own gets, by metric.
func collect(t *testing.T, r metric.Reader) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		if scope.Scope.Name != Scope {
			t.Errorf("scope %q", scope.Scope.Name)
		}
		for _, m := range scope.Metrics {
			if _, twice := found[m.Name]; twice {
				t.Errorf("%s twice", m.Name)
			}
			found[m.Name] = m
		}
	}
	return found
}

// read registers m and handlers with a provider of the SDK and returns its reader.
func read(t *testing.T, m *shard.Manager, o Options) metric.Reader {
	t.Helper()
	reader := metric.NewManualReader()
	if m != nil {
		reader = metric.NewManualReader(metric.WithProducer(Latencies(m, o)))
	}
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	t.Cleanup(func() { provider.Shutdown(context.Background()) })
	if _, err := Register(provider, m, o); err != nil {
		t.Fatal(err)
	}
	return reader
}

// lines says "name{attributes} value unit" for each point of a sum.
func lines(metrics map[string]metricdata.Metrics) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		sum, ok := metrics[name].Data.(metricdata.Sum[int64])
		if !ok {
			continue
		}
		kind := ""
		if sum.IsMonotonic {
			kind = ", rises"
		}
		for _, p := range sum.DataPoints {
			attributes := p.Attributes.Encoded(attribute.DefaultEncoder())
			all = append(all, fmt.Sprintf("%s{%s} %d %s%s", name, attributes, p.Value, metrics[name].Unit, kind))
		}
	}
	slices.Sort(all)
	return all
}

const wanted = `
reprise.budget.limit{} 1048576 By
reprise.budget.usage{} 198 By
reprise.claim.refused{reason=claim_limit} 0 {claim}, rises
reprise.claim.refused{reason=claimed} 1 {claim}, rises
reprise.event.appended.size{} 330 By, rises
reprise.event.appended{} 5 {event}, rises
reprise.event.duplicate{} 1 {event}, rises
reprise.event.evicted.size{} 132 By, rises
reprise.event.evicted{} 2 {event}, rises
reprise.event.refused{reason=ended} 0 {event}, rises
reprise.event.refused{reason=finished} 1 {event}, rises
reprise.event.refused{reason=invalid} 1 {event}, rises
reprise.event.refused{reason=over_budget} 0 {event}, rises
reprise.event.refused{reason=too_large} 1 {event}, rises
reprise.event.replayed{} 2 {event}, rises
reprise.event.retained{} 3 {event}
reprise.gap.count{reason=evicted} 0 {gap}, rises
reprise.gap.count{reason=overtaken} 0 {gap}, rises
reprise.gap.count{reason=unknown} 1 {gap}, rises
reprise.lookup.refused{reason=not_found} 1 {lookup}, rises
reprise.lookup.refused{reason=principal} 1 {lookup}, rises
reprise.reader.count{} 0 {reader}
reprise.reader.refused{reason=attach_limit} 0 {reader}, rises
reprise.session.count{state=active} 1 {session}
reprise.session.count{state=lingering} 1 {session}
reprise.session.created{} 2 {session}, rises
reprise.session.ended{reason=expired} 0 {session}, rises
reprise.session.ended{reason=finished} 0 {session}, rises
reprise.session.ended{reason=terminated} 1 {session}, rises
reprise.session.limit{} 50 {session}
reprise.session.refused{reason=exists} 1 {session}, rises
reprise.session.refused{reason=invalid_id} 1 {session}, rises
reprise.session.refused{reason=invalid_metadata} 1 {session}, rises
reprise.session.refused{reason=principal_limit} 0 {session}, rises
reprise.session.refused{reason=session_limit} 0 {session}, rises
reprise.session.unhealthy{problem=any} 0 {session}
reprise.session.unhealthy{problem=evicting} 0 {session}
reprise.session.unhealthy{problem=expiring} 0 {session}
reprise.session.unhealthy{problem=lagging} 0 {session}
reprise.session.unhealthy{problem=overtaken} 0 {session}
reprise.session.unhealthy{problem=unread} 0 {session}
reprise.stream.answers{handler=events,http.response.status_code=204} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=400} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=403} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=404} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=405} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=406} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=409} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=410} 1 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=429} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=500} 0 {request}, rises
reprise.stream.answers{handler=events,http.response.status_code=503} 0 {request}, rises
reprise.stream.count{handler=events} 0 {stream}
reprise.stream.dropped{handler=events,reason=overtaken} 0 {stream}, rises
reprise.stream.dropped{handler=events,reason=replaced} 0 {stream}, rises
reprise.stream.dropped{handler=events,reason=slow} 0 {stream}, rises
reprise.stream.events{handler=events} 2 {event}, rises
reprise.stream.gaps{handler=events} 0 {gap}, rises
reprise.stream.io{handler=events} 39 By, rises
reprise.stream.resumed{handler=events} 1 {stream}, rises
reprise.stream.started{handler=events} 1 {stream}, rises
reprise.stream.truncated{handler=events} 0 {stream}, rises
`

func TestInstrumentsSayWhatStatsSay(t *testing.T) {
	m, h := busy(t)
	metrics := collect(t, read(t, m, Options{Handlers: map[string]*replay.Handler{"events": h}}))
	if memory := metrics["reprise.memory.usage"].Data.(metricdata.Sum[int64]); memory.DataPoints[0].Value <= 0 {
		t.Error("no memory")
	}
	delete(metrics, "reprise.memory.usage")
	want := strings.Split(strings.TrimSpace(wanted), "\n")
	if got := lines(metrics); !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for name, m := range metrics {
		if !strings.HasSuffix(m.Description, ".") {
			t.Errorf("%s is described as %q", name, m.Description)
		}
	}
}

func TestWhatWasEvictedOnlyRises(t *testing.T) {
	r := &reporter{}
	for _, step := range []struct{ seen, want shard.Stats }{
		{shard.Stats{Evicted: 5, EvictedBytes: 500}, shard.Stats{Evicted: 5, EvictedBytes: 500}},
		{shard.Stats{Evicted: 3, EvictedBytes: 600}, shard.Stats{Evicted: 5, EvictedBytes: 600}},
		{shard.Stats{Evicted: 6, EvictedBytes: 599}, shard.Stats{Evicted: 6, EvictedBytes: 600}},
		{shard.Stats{Appended: 1}, shard.Stats{Appended: 1, Evicted: 6, EvictedBytes: 600}},
	} {
		if got := r.rising(step.seen); got != step.want {
			t.Errorf("%+v became %+v, want %+v", step.seen, got, step.want)
		}
	}
}

func TestAttributesTellSeveralManagersApart(t *testing.T) {
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	for i := range 2 {
		m := newManager(t, shard.Config{})
		for range i + 1 {
			if _, err := m.Create(shard.Metadata{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Register(provider, m, Options{Attributes: []attribute.KeyValue{attribute.Int("manager",
			i)}}); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Join(lines(collect(t, reader)), "\n")
	for _, line := range []string{"reprise.session.created{manager=0} 1 {session}, rises",
		"reprise.session.created{manager=1} 2 {session}, rises"} {
		if !strings.Contains(got, line) {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
}

func TestLimitsThatAreNotSetAreMissing(t *testing.T) {
	for name := range collect(t, read(t, newManager(t, shard.Config{MaxSessions: -1, MaxBytes: -1}), Options{})) {
		if strings.HasSuffix(name, ".limit") || strings.HasPrefix(name, "reprise.stream") {
			t.Error(name)
		}
	}
}

func TestWithoutAManagerTheHandlersAreShown(t *testing.T) {
	_, h := busy(t)
	metrics := collect(t, read(t, nil, Options{Handlers: map[string]*replay.Handler{"events": h}}))
	if _, ok := metrics["reprise.stream.count"]; !ok || len(metrics) != 9 {
		t.Errorf("%v", lines(metrics))
	}
}

func TestUnregisteredInstrumentsSayNothing(t *testing.T) {
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	registration, err := Register(provider, newManager(t, shard.Config{}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(collect(t, reader)) == 0 {
		t.Error("nothing while registered")
	}
	if err := registration.Unregister(); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, reader); len(got) != 0 {
		t.Errorf("%v", lines(got))
	}
}

func TestLatenciesAreHistogramsInSeconds(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := shardtest.Create(t, m, "s", "")
	add := func() {
		for range 2000 {
			s.Append(ring.Event{})
		}
	}
	m.Latencies() // somebody else has asked before
	add()
	reader := read(t, m, Options{Attributes: []attribute.KeyValue{attribute.String("manager", "m")}})
	histogram := func(name string) metricdata.HistogramDataPoint[float64] {
		t.Helper()
		metric := collect(t, reader)[name]
		h, ok := metric.Data.(metricdata.Histogram[float64])
		if !ok || metric.Unit != "s" || h.Temporality != metricdata.CumulativeTemporality {
			t.Fatalf("%s is %+v", name, metric)
		}
		p := h.DataPoints[0]
		if !p.Attributes.HasValue("manager") || !p.StartTime.Before(p.Time) ||
			len(p.BucketCounts) != len(p.Bounds)+1 || !slices.IsSorted(p.Bounds) {
			t.Errorf("%s: %+v", name, p)
		}
		return p
	}
	if p := histogram("reprise.append.duration"); p.Count != 0 {
		t.Errorf("%d appends from before StartTime", p.Count)
	}
	add()
	p := histogram("reprise.append.duration")
	var counted uint64
	for _, n := range p.BucketCounts {
		counted += n
	}
	if p.Count == 0 || counted != p.Count || p.Sum <= 0 || p.Sum > 60 {
		t.Errorf("%+v", p)
	}
	if p := histogram("reprise.wakeup.duration"); p.Count != 0 {
		t.Errorf("%d wake-ups of nobody", p.Count)
	}
}

func TestUnhealthySessionsAreCountedByProblem(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 1}})
	s := shardtest.Create(t, m, "s", "")
	s.Append(ring.Event{})
	s.Append(ring.Event{})
	shardtest.Create(t, m, "healthy", "")
	got := lines(collect(t, read(t, m, Options{})))
	for _, want := range []string{"any} 1", "evicting} 1", "unread} 0"} {
		if !slices.Contains(got, "reprise.session.unhealthy{problem="+want+" {session}") {
			t.Errorf("%s is missing in %v", want, got)
		}
	}
}

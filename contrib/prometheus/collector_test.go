package prometheus

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const wanted = `
# HELP reprise_answers_total Requests answered without a stream, by HTTP status.
# TYPE reprise_answers_total counter
reprise_answers_total{code="204",handler="events"} 0
reprise_answers_total{code="400",handler="events"} 0
reprise_answers_total{code="403",handler="events"} 0
reprise_answers_total{code="404",handler="events"} 0
reprise_answers_total{code="405",handler="events"} 1
reprise_answers_total{code="406",handler="events"} 0
reprise_answers_total{code="409",handler="events"} 0
reprise_answers_total{code="410",handler="events"} 1
reprise_answers_total{code="429",handler="events"} 0
reprise_answers_total{code="500",handler="events"} 0
reprise_answers_total{code="503",handler="events"} 0
# HELP reprise_appended_bytes_total Size of the events stored, as the budget counts it.
# TYPE reprise_appended_bytes_total counter
reprise_appended_bytes_total 330
# HELP reprise_claims_refused_total Keys that were not claimed, by reason.
# TYPE reprise_claims_refused_total counter
reprise_claims_refused_total{reason="claim_limit"} 0
reprise_claims_refused_total{reason="claimed"} 1
# HELP reprise_events_appended_total Events stored.
# TYPE reprise_events_appended_total counter
reprise_events_appended_total 5
# HELP reprise_events_duplicate_total Appends refused because their event ID was retained.
# TYPE reprise_events_duplicate_total counter
reprise_events_duplicate_total 1
# HELP reprise_events_evicted_total Events dropped to stay within the limits.
# TYPE reprise_events_evicted_total counter
reprise_events_evicted_total 2
# HELP reprise_events_refused_total Appends that stored nothing, by reason; those of a retained event ID are counted apart.
# TYPE reprise_events_refused_total counter
reprise_events_refused_total{reason="ended"} 0
reprise_events_refused_total{reason="finished"} 1
reprise_events_refused_total{reason="invalid"} 1
reprise_events_refused_total{reason="over_budget"} 0
reprise_events_refused_total{reason="too_large"} 1
# HELP reprise_events_replayed_total Events handed to readers that were stored before the reader came.
# TYPE reprise_events_replayed_total counter
reprise_events_replayed_total 2
# HELP reprise_events_retained Events that can be replayed.
# TYPE reprise_events_retained gauge
reprise_events_retained 3
# HELP reprise_evicted_bytes_total Size of the events dropped to stay within the limits, as the budget counts it.
# TYPE reprise_evicted_bytes_total counter
reprise_evicted_bytes_total 132
# HELP reprise_gaps_total Readers told that events are missing: those before where they wanted to resume, after an event ID that is not known, while they were reading.
# TYPE reprise_gaps_total counter
reprise_gaps_total{reason="evicted"} 0
reprise_gaps_total{reason="overtaken"} 0
reprise_gaps_total{reason="unknown"} 1
# HELP reprise_lookups_refused_total Sessions that were not found, or belong to another principal.
# TYPE reprise_lookups_refused_total counter
reprise_lookups_refused_total{reason="not_found"} 1
reprise_lookups_refused_total{reason="principal"} 1
# HELP reprise_readers Readers attached to all sessions: open connections.
# TYPE reprise_readers gauge
reprise_readers 1
# HELP reprise_readers_refused_total Readers that were not attached, by reason.
# TYPE reprise_readers_refused_total counter
reprise_readers_refused_total{reason="attach_limit"} 0
# HELP reprise_retained_bytes Size of the events that can be replayed, as the budget counts it.
# TYPE reprise_retained_bytes gauge
reprise_retained_bytes 198
# HELP reprise_retained_limit_bytes The budget: event bytes that all sessions together may retain; missing without limit.
# TYPE reprise_retained_limit_bytes gauge
reprise_retained_limit_bytes 1.048576e+06
# HELP reprise_sessions Sessions by state: active ones take events or have finished, lingering ones have ended and still tell how.
# TYPE reprise_sessions gauge
reprise_sessions{state="active"} 1
reprise_sessions{state="lingering"} 1
# HELP reprise_sessions_created_total Sessions created.
# TYPE reprise_sessions_created_total counter
reprise_sessions_created_total 2
# HELP reprise_sessions_ended_total Sessions that have ended, by reason: terminated by a client or the application, expired for want of activity, finished.
# TYPE reprise_sessions_ended_total counter
reprise_sessions_ended_total{reason="expired"} 0
reprise_sessions_ended_total{reason="finished"} 0
reprise_sessions_ended_total{reason="terminated"} 1
# HELP reprise_sessions_limit Active sessions that the configuration allows; missing without limit.
# TYPE reprise_sessions_limit gauge
reprise_sessions_limit 50
# HELP reprise_sessions_refused_total Sessions that were not created, by reason.
# TYPE reprise_sessions_refused_total counter
reprise_sessions_refused_total{reason="exists"} 1
reprise_sessions_refused_total{reason="invalid_id"} 1
reprise_sessions_refused_total{reason="invalid_metadata"} 1
reprise_sessions_refused_total{reason="principal_limit"} 0
reprise_sessions_refused_total{reason="session_limit"} 0
# HELP reprise_sessions_unhealthy Active sessions with a problem, as shard.Session.Health says; "any" counts each of them once.
# TYPE reprise_sessions_unhealthy gauge
reprise_sessions_unhealthy{problem="any"} 0
reprise_sessions_unhealthy{problem="evicting"} 0
reprise_sessions_unhealthy{problem="expiring"} 0
reprise_sessions_unhealthy{problem="lagging"} 0
reprise_sessions_unhealthy{problem="overtaken"} 0
reprise_sessions_unhealthy{problem="unread"} 0
# HELP reprise_streams Streams open.
# TYPE reprise_streams gauge
reprise_streams{handler="events"} 0
# HELP reprise_streams_dropped_total Streams that the server ended, by reason: slow clients let a write time out, overtaken ones missed events, replaced ones came again.
# TYPE reprise_streams_dropped_total counter
reprise_streams_dropped_total{handler="events",reason="overtaken"} 0
reprise_streams_dropped_total{handler="events",reason="replaced"} 0
reprise_streams_dropped_total{handler="events",reason="slow"} 0
# HELP reprise_streams_gaps_total Gap events written to streams.
# TYPE reprise_streams_gaps_total counter
reprise_streams_gaps_total{handler="events"} 0
# HELP reprise_streams_resumed_total Streams begun after a Last-Event-ID.
# TYPE reprise_streams_resumed_total counter
reprise_streams_resumed_total{handler="events"} 1
# HELP reprise_streams_started_total Streams begun.
# TYPE reprise_streams_started_total counter
reprise_streams_started_total{handler="events"} 1
# HELP reprise_streams_truncated_total Streams begun for everything, when the first events were gone already.
# TYPE reprise_streams_truncated_total counter
reprise_streams_truncated_total{handler="events"} 0
# HELP reprise_streams_written_bytes_total Bytes written to streams.
# TYPE reprise_streams_written_bytes_total counter
reprise_streams_written_bytes_total{handler="events"} 39
# HELP reprise_streams_written_events_total Events written to streams.
# TYPE reprise_streams_written_events_total counter
reprise_streams_written_events_total{handler="events"} 2
`

func TestMetricsSayWhatStatsSay(t *testing.T) {
	m, h := busy(t)
	r := registered(t, New(m, Options{Handlers: map[string]*replay.Handler{"events": h}}))
	names := []string{}
	for _, name := range exported(t, r) {
		if name != "reprise_memory_bytes" && !strings.HasSuffix(name, "_seconds") { // these differ from run to run
			names = append(names, name)
		}
	}
	if err := testutil.GatherAndCompare(r, strings.NewReader(wanted), names...); err != nil {
		t.Error(err)
	}
}

func TestNamesAndUnitsFollowTheConventions(t *testing.T) {
	m, h := busy(t)
	problems, err := testutil.GatherAndLint(registered(t,
		New(m, Options{Handlers: map[string]*replay.Handler{"events": h}})))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestThereAreAsManySeriesForManySessionsAsForOne(t *testing.T) {
	series := func(sessions int) int {
		m := newManager(t, shard.Config{})
		h := &replay.Handler{Store: replay.Local(m)}
		for range sessions {
			if _, err := m.Create(shard.Metadata{}); err != nil {
				t.Fatal(err)
			}
		}
		return testutil.CollectAndCount(New(m, Options{Handlers: map[string]*replay.Handler{"events": h}}))
	}
	if one, many := series(1), series(1000); one != many {
		t.Errorf("%d series for one session, %d for a thousand", one, many)
	}
}

func TestLabelsTellSeveralManagersApart(t *testing.T) {
	var collectors []prometheus.Collector
	for _, name := range []string{"one", "two"} {
		m, h := busy(t)
		collectors = append(collectors, New(m, Options{
			Handlers: map[string]*replay.Handler{"events": h},
			Labels:   prometheus.Labels{"manager": name},
		}))
	}
	r := registered(t, collectors...)
	if n, err := testutil.GatherAndCount(r, "reprise_sessions_created_total"); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if problems, err := testutil.GatherAndLint(r); len(problems) != 0 || err != nil {
		t.Error(problems, err)
	}
}

func TestLimitsThatAreNotSetAreMissing(t *testing.T) {
	r := registered(t, New(newManager(t, shard.Config{MaxSessions: -1, MaxBytes: -1}), Options{}))
	for _, name := range exported(t, r) {
		if strings.Contains(name, "limit") || strings.HasPrefix(name, "reprise_streams") {
			t.Error(name)
		}
	}
}

func TestWithoutAManagerTheHandlersAreShown(t *testing.T) {
	_, h := busy(t)
	names := exported(t, registered(t, New(nil, Options{Handlers: map[string]*replay.Handler{"events": h}})))
	if !slices.Contains(names, "reprise_streams") || slices.Contains(names, "reprise_sessions") {
		t.Error(names)
	}
}

// A scraper that comes twice gets the histograms of what went on in between, in seconds and
// cumulated.
func TestAScrapeGetsLatencies(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := shardtest.Create(t, m, "s", "")
	web := httptest.NewServer(promhttp.HandlerFor(registered(t, New(m, Options{})), promhttp.HandlerOpts{}))
	defer web.Close()
	scrape := func() string {
		resp, err := web.Client().Get(web.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status, err)
		}
		return string(text)
	}
	if text := scrape(); !strings.Contains(text, "\nreprise_append_duration_seconds_count 0\n") {
		t.Error("the first scrape: " + text)
	}
	for range 2000 {
		s.Append(ring.Event{})
	}
	text := scrape()
	if strings.Contains(text, "\nreprise_append_duration_seconds_count 0\n") {
		t.Error("nothing was sampled")
	}
	for _, line := range []string{`reprise_append_duration_seconds_bucket{le="1e-07"} `,
		`reprise_wakeup_duration_seconds_bucket{le="1"} `} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line %s", line)
		}
	}
}

func TestHistogramsAreCumulated(t *testing.T) {
	h := shard.Histogram{Bounds: []time.Duration{time.Millisecond, time.Second}, Counts: []uint64{2, 3, 4},
		Sum: 20 * time.Second}
	const want = `
# HELP x y
# TYPE x histogram
x_bucket{le="0.001"} 2
x_bucket{le="1"} 5
x_bucket{le="+Inf"} 9
x_sum 20
x_count 9
`
	c := one{histogram(prometheus.NewDesc("x", "y", nil, nil), h)}
	if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// one collects a single metric.
type one struct{ m prometheus.Metric }

func (o one) Describe(d chan<- *prometheus.Desc)  { d <- o.m.Desc() }
func (o one) Collect(ms chan<- prometheus.Metric) { ms <- o.m }

func TestWhatWasEvictedOnlyRises(t *testing.T) {
	c := &collector{}
	for _, step := range []struct{ seen, want shard.Stats }{
		{shard.Stats{Evicted: 5, EvictedBytes: 500}, shard.Stats{Evicted: 5, EvictedBytes: 500}},
		{shard.Stats{Evicted: 3, EvictedBytes: 600}, shard.Stats{Evicted: 5, EvictedBytes: 600}},
		{shard.Stats{Evicted: 6, EvictedBytes: 599}, shard.Stats{Evicted: 6, EvictedBytes: 600}},
		{shard.Stats{Appended: 1}, shard.Stats{Appended: 1, Evicted: 6, EvictedBytes: 600}},
	} {
		if got := c.rising(step.seen); got != step.want {
			t.Errorf("%+v became %+v, want %+v", step.seen, got, step.want)
		}
	}
}

func TestCountersNeverFallWhileEventsAreAppended(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 1000}})
	r := registered(t, New(m, Options{}))
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for i := range 2 {
		s := shardtest.Create(t, m, string(rune('a'+i)), "")
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					s.Append(ring.Event{})
				}
			}
		})
	}
	last := map[string]float64{}
	for range 200 {
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, metric := range f.GetMetric() {
				if c := metric.GetCounter(); c != nil {
					key := fmt.Sprint(f.GetName(), metric.GetLabel())
					if c.GetValue() < last[key] {
						t.Errorf("%s fell from %v to %v", key, last[key], c.GetValue())
					}
					last[key] = c.GetValue()
				}
			}
		}
	}
	close(stop)
	writers.Wait()
}

func TestUnhealthySessionsAreCountedByProblem(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 1}})
	s := shardtest.Create(t, m, "s", "")
	s.Append(ring.Event{})
	s.Append(ring.Event{})
	shardtest.Create(t, m, "healthy", "")
	const want = `
# HELP reprise_sessions_unhealthy Active sessions with a problem, as shard.Session.Health says; "any" counts each of them once.
# TYPE reprise_sessions_unhealthy gauge
reprise_sessions_unhealthy{problem="any"} 1
reprise_sessions_unhealthy{problem="evicting"} 1
reprise_sessions_unhealthy{problem="expiring"} 0
reprise_sessions_unhealthy{problem="lagging"} 0
reprise_sessions_unhealthy{problem="overtaken"} 0
reprise_sessions_unhealthy{problem="unread"} 0
`
	r := registered(t, New(m, Options{}))
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "reprise_sessions_unhealthy"); err != nil {
		t.Error(err)
	}
}

// Package prometheus shows what a shard.Manager and its replay.Handlers do as Prometheus metrics:
//
//	sessions, err := shard.New(shard.Config{})
//	events := &replay.Handler{Store: replay.Local(sessions)}
//	handlers := map[string]*replay.Handler{"events": events}
//	registry.MustRegister(prometheus.New(sessions, prometheus.Options{Handlers: handlers}))
//
// No metric has a label of a session's: there are as many time series for a million sessions as for
// one. A dashboard for Grafana with all of them is in dashboard.json.
package prometheus

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/reprise-go/reprise/internal/recent"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// Options of [New]. The zero Options are ready for use.
type Options struct {
	// Handlers are those whose streams are shown, by the value of their label "handler".
	Handlers map[string]*replay.Handler

	// Labels are added to every metric. They tell several Managers of one process apart: all must
	// have the same names, and other values.
	Labels prometheus.Labels
}

// New returns a Collector for m, which may be nil where sessions live in another Store: then only
// the Handlers are shown.
//
// Collecting costs the same however many sessions there are, some ten microseconds, but for the
// count of unhealthy sessions: it looks at each, which takes about a microsecond, and it is kept
// for 15 seconds, and for twenty times what it took.
//
// Collecting is also what switches the sampling of latencies on: their histograms are empty in the
// first scrape and count a part of all events, as [shard.Manager.Latencies] says. They answer how
// long, not how often; for that there is reprise_events_appended_total.
func New(m *shard.Manager, o Options) prometheus.Collector {
	c := &collector{manager: m, handlers: make(map[string]*replay.Handler, len(o.Handlers)),
		descs: map[string]*prometheus.Desc{}}
	for name, h := range o.Handlers {
		c.handlers[name] = h
	}
	if m != nil {
		for _, f := range managerMetrics {
			c.describe(f.name, f.help, o.Labels, f.labels()...)
		}
		for _, f := range latencyMetrics {
			c.describe(f.name, f.help, o.Labels)
		}
	}
	if len(c.handlers) > 0 {
		for _, f := range handlerMetrics {
			c.describe(f.name, f.help, o.Labels, append([]string{"handler"}, f.labels()...)...)
		}
		c.describe(answers.name, answers.help, o.Labels, "handler", answers.label)
	}
	return c
}

// collector is immutable but for the census, and the counts of what was evicted.
type collector struct {
	manager  *shard.Manager
	handlers map[string]*replay.Handler
	descs    map[string]*prometheus.Desc // by name

	census recent.Value[shard.Census]

	mu                    sync.Mutex
	evicted, evictedBytes uint64 // the most that was seen
}

func (c *collector) describe(name, help string, constant prometheus.Labels, labels ...string) {
	if c.descs[name] == nil {
		c.descs[name] = prometheus.NewDesc(name, help, labels, constant)
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	if c.manager != nil {
		c.collectManager(metrics)
	}
	for name, h := range c.handlers {
		stats := h.Stats()
		for _, f := range handlerMetrics {
			metrics <- prometheus.MustNewConstMetric(c.descs[f.name], f.kind, f.of(stats),
				append([]string{name}, f.values()...)...)
		}
		for status, n := range stats.Answers {
			metrics <- prometheus.MustNewConstMetric(c.descs[answers.name], prometheus.CounterValue, float64(n), name,
				code(status))
		}
	}
}

func (c *collector) collectManager(metrics chan<- prometheus.Metric) {
	now := state{c.rising(c.manager.Stats()), c.manager.Config(), c.census.Get(c.manager.Census)}
	for _, f := range managerMetrics {
		if v, ok := f.of(now); ok {
			metrics <- prometheus.MustNewConstMetric(c.descs[f.name], f.kind, v, f.values()...)
		}
	}
	latencies := c.manager.Latencies()
	for _, f := range latencyMetrics {
		metrics <- histogram(c.descs[f.name], f.of(latencies))
	}
}

// rising makes counters of Stats.Evicted and EvictedBytes, which are differences of sums and may be
// a few events less than before while events are being appended. Prometheus would take that for a
// restart.
func (c *collector) rising(st shard.Stats) shard.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evicted, c.evictedBytes = max(c.evicted, st.Evicted), max(c.evictedBytes, st.EvictedBytes)
	st.Evicted, st.EvictedBytes = c.evicted, c.evictedBytes
	return st
}

// histogram converts h: seconds, and in each bucket all that is not more than its bound.
func histogram(desc *prometheus.Desc, h shard.Histogram) prometheus.Metric {
	buckets := make(map[float64]uint64, len(h.Bounds))
	var sum uint64
	for i, bound := range h.Bounds {
		sum += h.Counts[i]
		buckets[bound.Seconds()] = sum
	}
	return prometheus.MustNewConstHistogram(desc, h.Count(), h.Sum.Seconds(), buckets)
}

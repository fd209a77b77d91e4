// Package otel shows what a shard.Manager and its replay.Handlers do as OpenTelemetry metrics, in
// two parts:
//
//	latencies := otel.Latencies(sessions, otel.Options{})
//	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(latencies))
//	provider := metric.NewMeterProvider(metric.WithReader(reader))
//	handlers := map[string]*replay.Handler{"events": events}
//	registration, err := otel.Register(provider, sessions, otel.Options{Handlers: handlers})
//
// [Register] makes observable instruments, which are read when somebody collects. A histogram
// cannot be one: the API has no observable histogram, and recording every latency would cost each
// append several times what it takes. So [Latencies] gives the SDK's reader the histograms as they
// are, as a metric.Producer. Views, which choose among instruments and change them, do not reach
// what a Producer gives.
//
// No metric has an attribute of a session's.
package otel

import (
	"context"
	"slices"
	"sync"

	"github.com/reprise-go/reprise/internal/recent"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Scope is the name of the instrumentation scope.
const Scope = "github.com/reprise-go/reprise/contrib/otel"

// Options of [Register] and [Latencies]. The zero Options are ready for use.
type Options struct {
	// Handlers are those whose streams are shown, by the value of their attribute "handler".
	Handlers map[string]*replay.Handler

	// Attributes are added to every metric. They tell several Managers of one process apart.
	Attributes []attribute.KeyValue
}

// Register makes instruments that show m and the Handlers until the registration is undone. m may
// be nil where sessions live in another Store: then only the Handlers are shown. Collecting costs
// the same however many sessions there are, some ten microseconds, but for the count of unhealthy
// sessions: it looks at each, which takes about a microsecond, and it is kept for 15 seconds, and
// for twenty times what it took.
func Register(provider metric.MeterProvider, m *shard.Manager, o Options) (metric.Registration, error) {
	r := &reporter{
		meter:    provider.Meter(Scope),
		manager:  m,
		handlers: make(map[string]*replay.Handler, len(o.Handlers)),
		constant: slices.Clone(o.Attributes),
		made:     map[string]metric.Int64Observable{},
	}
	for name, h := range o.Handlers {
		r.handlers[name] = h
	}
	if err := r.makeAll(); err != nil {
		return nil, err
	}
	var all []metric.Observable
	for _, i := range r.made {
		all = append(all, i)
	}
	return r.meter.RegisterCallback(r.observe, all...)
}

// reporter is immutable once it is registered, but for the census, and the counts of what was
// evicted.
type reporter struct {
	meter    metric.Meter
	manager  *shard.Manager
	handlers map[string]*replay.Handler
	constant []attribute.KeyValue
	made     map[string]metric.Int64Observable // by name

	census recent.Value[shard.Census]

	mu                    sync.Mutex
	evicted, evictedBytes uint64 // the most that was seen
}

func (r *reporter) makeAll() error {
	if r.manager != nil {
		for _, i := range managerInstruments {
			if err := r.make(i.instrument); err != nil {
				return err
			}
		}
	}
	if len(r.handlers) > 0 {
		for _, i := range handlerInstruments {
			if err := r.make(i.instrument); err != nil {
				return err
			}
		}
		return r.make(answers)
	}
	return nil
}

func (r *reporter) make(i instrument) (err error) {
	if r.made[i.name] != nil {
		return nil
	}
	if i.rises {
		r.made[i.name], err = r.meter.Int64ObservableCounter(i.name, metric.WithUnit(i.unit),
			metric.WithDescription(i.description))
	} else {
		r.made[i.name], err = r.meter.Int64ObservableUpDownCounter(i.name, metric.WithUnit(i.unit),
			metric.WithDescription(i.description))
	}
	return err
}

// observe is what the meter calls when somebody collects.
func (r *reporter) observe(_ context.Context, o metric.Observer) error {
	if r.manager != nil {
		now := state{r.rising(r.manager.Stats()), r.manager.Config(), r.census.Get(r.manager.Census)}
		for _, i := range managerInstruments {
			if v := i.of(now); v >= 0 {
				r.report(o, i.instrument, v)
			}
		}
	}
	for name, h := range r.handlers {
		handler := attribute.String("handler", name)
		stats := h.Stats()
		for _, i := range handlerInstruments {
			r.report(o, i.instrument, i.of(stats), handler)
		}
		for status, n := range stats.Answers {
			r.report(o, answers, int64(n), handler, attribute.Int("http.response.status_code", status))
		}
	}
	return nil
}

func (r *reporter) report(o metric.Observer, i instrument, v int64, more ...attribute.KeyValue) {
	attributes := append(slices.Clone(r.constant), more...)
	if i.attribute.Valid() {
		attributes = append(attributes, i.attribute)
	}
	o.ObserveInt64(r.made[i.name], v, metric.WithAttributes(attributes...))
}

// rising makes counters of Stats.Evicted and EvictedBytes, which are differences of sums and may be
// a few events less than before while events are being appended.
func (r *reporter) rising(st shard.Stats) shard.Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evicted, r.evictedBytes = max(r.evicted, st.Evicted), max(r.evictedBytes, st.EvictedBytes)
	st.Evicted, st.EvictedBytes = r.evicted, r.evictedBytes
	return st
}

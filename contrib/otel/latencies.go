package otel

import (
	"context"
	"time"

	"github.com/reprise-go/reprise/shard"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Latencies returns a Producer of two histograms with explicit buckets, reprise.append.duration and
// reprise.wakeup.duration, for a reader's metric.WithProducer. Options.Handlers is not looked at.
//
// Sampling begins at once, and each collection keeps it on. The histograms count a part of all
// events, as [shard.Manager.Latencies] says: they answer how long, not how often; for that there is
// reprise.event.appended. They are cumulative whatever temporality the reader asks its instruments
// for, and readers may share a Producer.
func Latencies(m *shard.Manager, o Options) metric.Producer {
	return &producer{m, attribute.NewSet(o.Attributes...), time.Now(), m.Latencies()}
}

// producer is immutable.
type producer struct {
	manager    *shard.Manager
	attributes attribute.Set
	began      time.Time
	before     shard.Latencies // what had been sampled then
}

// Produce implements metric.Producer.
func (p *producer) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	l, now := p.manager.Latencies(), time.Now()
	return []metricdata.ScopeMetrics{{
		Scope: instrumentation.Scope{Name: Scope},
		Metrics: []metricdata.Metrics{
			{
				Name: "reprise.append.duration", Unit: "s", Description: "Time to store an event, of a sample " +
					"of all appends.",
				Data: p.histogram(l.Append.Sub(p.before.Append), now),
			},
			{
				Name: "reprise.wakeup.duration", Unit: "s",
				Description: "Time from an event being stored until a follower that waited for it runs, of a " +
					"sample of all.",
				Data: p.histogram(l.WakeUp.Sub(p.before.WakeUp), now),
			},
		},
	}}, nil
}

func (p *producer) histogram(h shard.Histogram, now time.Time) metricdata.Histogram[float64] {
	bounds := make([]float64, len(h.Bounds))
	for i, b := range h.Bounds {
		bounds[i] = b.Seconds()
	}
	return metricdata.Histogram[float64]{
		Temporality: metricdata.CumulativeTemporality,
		DataPoints: []metricdata.HistogramDataPoint[float64]{{
			Attributes:   p.attributes,
			StartTime:    p.began,
			Time:         now,
			Count:        h.Count(),
			Bounds:       bounds,
			BucketCounts: h.Counts,
			Sum:          h.Sum.Seconds(),
		}},
	}
}

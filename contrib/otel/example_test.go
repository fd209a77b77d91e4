package otel_test

import (
	"context"
	"fmt"
	"log"

	"github.com/reprise-go/reprise/contrib/otel"
	"github.com/reprise-go/reprise/shard"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func Example() {
	sessions, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	// In earnest: metric.NewPeriodicReader(exporter, metric.WithProducer(…))
	reader := metric.NewManualReader(metric.WithProducer(otel.Latencies(sessions, otel.Options{})))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	if _, err := otel.Register(provider, sessions, otel.Options{}); err != nil {
		log.Fatal(err)
	}

	var collected metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &collected); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(collected.ScopeMetrics[0].Metrics), "instruments and", len(collected.ScopeMetrics[1].Metrics),
		"histograms")
	// Output: 22 instruments and 2 histograms
}

package prometheus_test

import (
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/reprise-go/reprise/contrib/prometheus"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func ExampleNew() {
	sessions, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	events := &replay.Handler{Store: replay.Local(sessions)}
	client.MustRegister(prometheus.New(sessions, prometheus.Options{
		Handlers: map[string]*replay.Handler{"events": events},
	}))
	http.Handle("/events", events)
	http.Handle("/metrics", promhttp.Handler())
	// Output:
}

// Command sse serves the progress of jobs as resumable server-sent events, on net/http alone, and
// metrics for Prometheus.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/reprise-go/reprise/contrib/prometheus"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	sessions, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	events := &replay.Handler{Store: replay.Local(sessions)}
	server := &http.Server{
		Addr:              *addr,
		Handler:           routes(sessions, events, 100*time.Millisecond),
		ReadHeaderTimeout: 10 * time.Second,
	}
	server.RegisterOnShutdown(events.Close) // Shutdown alone would wait for the streams
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { server.Shutdown(context.Background()) })
	log.Printf("curl -X POST http://%s/jobs, then curl -N http://%s/events?session=…", *addr, *addr)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

// routes starts a job at POST /jobs, which answers with a session ID, and shows it at /events. What
// all sessions do is at /metrics.
func routes(sessions *shard.Manager, events *replay.Handler, pace time.Duration) http.Handler {
	registry := client.NewRegistry()
	registry.MustRegister(
		prometheus.New(sessions, prometheus.Options{Handlers: map[string]*replay.Handler{"events": events}}),
	)
	mux := http.NewServeMux()
	mux.Handle("/events", events)
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("POST /jobs", func(w http.ResponseWriter, r *http.Request) {
		session, err := sessions.Create(shard.Metadata{Transport: "sse"})
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		go work(session, pace)
		fmt.Fprint(w, session.ID())
	})
	return mux
}

const steps = 100

// work is a job. It needs to know nothing of who listens, or whether anybody does.
func work(session *shard.Session, pace time.Duration) {
	for i := range steps {
		time.Sleep(pace)
		percent := (i + 1) * 100 / steps
		if _, err := session.Append(ring.Event{Type: "progress", Data: fmt.Appendf(nil, `{"percent":%d}`,
			percent)}); err != nil {
			return // the session was ended: DELETE /events?session=…
		}
	}
	session.Finish()
}

// Command replicas serves the progress of jobs from any number of processes that share a Redis: a
// job runs in one of them, and whoever follows it may be connected to another, and to a third one
// after their connection broke.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	server := flag.String("redis", "127.0.0.1:6379", "the Redis that all replicas share")
	flag.Parse()
	r, err := newReplica(*server, 200*time.Millisecond)
	if err != nil {
		log.Fatal(err)
	}
	defer r.close()
	web := &http.Server{Addr: *addr, Handler: r.routes(), ReadHeaderTimeout: 10 * time.Second}
	web.RegisterOnShutdown(r.events.Close) // clients come back, and the load balancer sends them to another replica
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { web.Shutdown(context.Background()) })
	log.Printf("curl -X POST http://%s/jobs, then curl -N http://%s/events?session=… on any replica", *addr, *addr)
	if err := web.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

// A replica is one of the processes.
type replica struct {
	client rueidis.Client
	store  *redis.Store
	events *replay.Handler
	pace   time.Duration
}

func newReplica(server string, pace time.Duration) (*replica, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server}, DisableCache: true})
	if err != nil {
		return nil, err
	}
	store, err := redis.New(client, redis.Config{})
	if err != nil {
		client.Close()
		return nil, err
	}
	// RetryOnError: while Redis is away, an EventSource tries again instead of giving up for good.
	events := &replay.Handler{Store: store, RetryOnError: true, Retry: time.Second}
	return &replica{client, store, events, pace}, nil
}

func (r *replica) close() {
	r.store.Close()
	r.client.Close()
}

func (r *replica) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/events", r.events)
	mux.HandleFunc("POST /jobs", func(w http.ResponseWriter, req *http.Request) {
		id, err := r.store.Create(req.Context(), "", shard.Metadata{Transport: "sse"})
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		go r.work(id)
		fmt.Fprint(w, id)
	})
	return mux
}

const steps = 100

// work is a job. Its events have IDs of its own, so that it can repeat an Append of which it does
// not know whether it succeeded: what is stored already is refused as a duplicate.
func (r *replica) work(session string) {
	ctx := context.Background()
	for i := range steps {
		time.Sleep(r.pace)
		e := ring.Event{
			ID:   fmt.Sprintf("step-%d", i+1),
			Type: "progress",
			Data: fmt.Appendf(nil, `{"percent":%d}`, (i+1)*100/steps),
		}
		_, err := r.store.Append(ctx, session, e)
		if errors.Is(err, redis.ErrUnavailable) {
			_, err = r.store.Append(ctx, session, e)
		}
		if err != nil && !errors.Is(err, ring.ErrDuplicateID) {
			log.Printf("a job has ended early: %v", err)
			return
		}
	}
	if err := r.store.Finish(ctx, session); err != nil {
		log.Print(err)
	}
}

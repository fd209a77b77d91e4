// Command restart serves a counter as server-sent events that outlive the server: kill it, start it
// again, and the page goes on.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

//go:embed page.html
var page string

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	dir := flag.String("dir", "sessions", "where sessions are kept")
	pace := flag.Duration("pace", 200*time.Millisecond, "how often the counter counts")
	flag.Parse()
	store, err := pebble.Open(*dir, pebble.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Create(context.Background(), "counter", shard.Metadata{}); err != nil &&
		!errors.Is(err, shard.ErrExists) {
		log.Fatal(err)
	}
	go count(store, *pace)
	http.Handle("/events", &replay.Handler{Store: store, Retry: 500 * time.Millisecond})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, page) })
	log.Printf("open http://%s/, then kill this process with SIGKILL and start it again", *addr)
	log.Fatal(http.ListenAndServe(*addr, nil))
}

// count goes on where the last event says that the process before it was.
func count(store *pebble.Store, pace time.Duration) {
	ctx := context.Background()
	info, err := store.Info(ctx, "counter")
	for n := info.Log.Last + 1; err == nil; n++ {
		_, err = store.Append(ctx, "counter", ring.Event{Data: fmt.Append(nil, n)})
		time.Sleep(pace)
	}
	log.Fatal(err)
}

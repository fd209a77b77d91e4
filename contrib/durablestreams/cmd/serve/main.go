// Command serve is a Durable Streams server, in memory or on disk, for clients and test suites to
// be pointed at.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:4437", "address to listen on")
	dir := flag.String("dir", "", "directory to keep the streams in; without, they end with the process")
	poll := flag.Duration("long-poll", durablestreams.DefaultLongPoll, "how long a long-poll waits")
	flag.Parse()
	if err := run(*addr, *poll, storeIn(*dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// An opener opens a Store, and says how to close it.
type opener func() (store replay.Store, close func() error, err error)

func openMemory() (replay.Store, func() error, error) {
	m, err := shard.New(shard.Config{MaxSessions: -1, MaxBytes: 4 << 30, TTL: -1, Linger: -1})
	if err != nil {
		return nil, nil, err
	}
	return replay.Local(m), m.Close, nil
}

// storeIn opens a directory, or a Store in memory where there is none.
func storeIn(dir string) opener {
	if dir == "" {
		return openMemory
	}
	return func() (replay.Store, func() error, error) {
		s, err := pebble.Open(dir, pebble.Config{MaxSessions: -1, TTL: -1, Linger: -1})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
}

// newHandler returns a Handler for pages of every origin.
func newHandler(store replay.Store) *durablestreams.Handler {
	return &durablestreams.Handler{
		Store:       store,
		AllowOrigin: func(*http.Request, string) bool { return true },
		Limits:      ring.Config{MaxEvents: 1 << 20, MaxBytes: 256 << 20, MaxEventBytes: 16 << 20},
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
}

func run(addr string, poll time.Duration, open opener) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	store, closeStore, err := open()
	if err != nil {
		return err
	}
	defer closeStore()
	h := newHandler(store)
	h.LongPoll = poll
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("Durable Streams on http://%s/\n", l.Addr())
	server := newServer(h, patience)
	server.long.RegisterOnShutdown(h.Close)
	stopped := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(stopped)
		late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.shutdown(late)
	})
	if err := server.serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

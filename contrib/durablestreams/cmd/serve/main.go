// Serve is a Durable Streams server in memory, for clients and test suites to be pointed at.
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
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:4437", "address to listen on")
	poll := flag.Duration("long-poll", durablestreams.DefaultLongPoll, "how long a long-poll waits")
	flag.Parse()
	if err := run(*addr, *poll); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(addr string, poll time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	m, err := shard.New(shard.Config{MaxSessions: -1, MaxBytes: 4 << 30, TTL: -1, Linger: -1})
	if err != nil {
		return err
	}
	defer m.Close()
	h := &durablestreams.Handler{
		Store:       replay.Local(m),
		AllowOrigin: func(*http.Request, string) bool { return true },
		Limits:      ring.Config{MaxEvents: 1 << 20, MaxBytes: 256 << 20, MaxEventBytes: 16 << 20},
		LongPoll:    poll,
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("Durable Streams on http://%s/\n", l.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(h.Close)
	context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.Shutdown(late)
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

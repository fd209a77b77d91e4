package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	victimSession = "demo"
	victimPause   = time.Millisecond // between two events
)

// isVictim reports whether this process was started to be killed.
func isVictim() bool { return os.Getenv(victimDir) != "" }

// runVictim keeps one session in files and serves it. It goes on with the session that it finds
// there: the newest number is that of the newest event.
func runVictim(confirmed io.Writer, orphaned io.Reader) error {
	events, err := strconv.Atoi(os.Getenv(victimEvents))
	if err != nil {
		return err
	}
	store, err := pebble.Open(os.Getenv(victimDir), pebble.Config{Ring: ring.Config{MaxEvents: events}})
	if err != nil {
		return err
	}
	defer store.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := store.Create(ctx, victimSession, shard.Metadata{}); err != nil && !errors.Is(err, shard.ErrExists) {
		return err
	}
	info, err := store.Info(ctx, victimSession)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", os.Getenv(victimAddr))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /events", &replay.Handler{Store: store, Retry: retryPause})
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(confirmed, listener.Addr(), info.Log.Last)
	go web.Serve(listener)
	go func() {
		io.Copy(io.Discard, orphaned) // until who has started it is gone
		cancel()
	}()
	if err := appendNumbers(ctx, store, int(info.Log.Last), events, confirmed); err != nil {
		return err
	}
	<-ctx.Done()
	return web.Close()
}

// appendNumbers appends the numbers after last, and says each when it is confirmed.
func appendNumbers(ctx context.Context, store *pebble.Store, last, events int, confirmed io.Writer) error {
	pace := time.NewTicker(victimPause)
	defer pace.Stop()
	for n := last + 1; n <= events; n++ {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return nil
		}
		if _, err := store.Append(ctx, victimSession,
			ring.Event{Data: strconv.AppendInt(nil, int64(n), 10)}); err != nil {
			return err
		}
		fmt.Fprintln(confirmed, n)
	}
	return store.Finish(ctx, victimSession)
}

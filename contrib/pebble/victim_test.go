package pebble

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const crashWriters = 4

// victim serves the session "s" over HTTP on a listener that it inherits, and appends to it and to
// a small session without an end. Each event that was confirmed is a line on standard output. It
// ends when it is killed, or when its input does.
func victim(dir string) error {
	store, err := Open(dir, Config{SyncEvery: crashSyncEvery(), MinFree: -1})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if events := os.Getenv("REPRISE_CRASH_FILL"); events != "" {
		return appendAndWait(ctx, store, events)
	}
	for id, limits := range map[string]ring.Config{"s": {MaxEvents: 1 << 20, MaxBytes: 1 << 30},
		"small": {MaxEvents: 5}} {
		if _, err := store.Info(ctx, id); err != nil {
			if _, err := store.CreateWith(ctx, shard.Options{ID: id, Ring: limits}); err != nil {
				return err
			}
		}
	}
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	go http.Serve(l, &replay.Handler{Store: store, Retry: time.Millisecond})
	fmt.Println("ready")
	if os.Getenv("REPRISE_CRASH_QUIET") == "" {
		for w := range crashWriters {
			go appendForEver(ctx, store, w)
		}
	}
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// crashBurst is how many calls each writer makes that is told to stop after some.
const crashBurst = 10

func crashSyncEvery() time.Duration {
	d, _ := time.ParseDuration(os.Getenv("REPRISE_CRASH_SYNC"))
	return d
}

// appendForEver tells of each event only when it is confirmed: by one write, which a pipe takes
// whole.
func appendForEver(ctx context.Context, store *Store, w int) {
	burst := os.Getenv("REPRISE_CRASH_BURST") != ""
	for n := 0; n < crashBurst || !burst; n++ {
		e := ring.Event{Data: fmt.Appendf(nil, "%d/%d", w, n)}
		if n%3 == 1 {
			e.ID = fmt.Sprintf("own-%d-%d-%d", os.Getpid(), w, n)
		}
		id := "s"
		if n%5 == 4 {
			id = "small"
		}
		if n%7 == 6 {
			stored, err := store.AppendAll(ctx, id, []ring.Event{e, {Data: e.Data}})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			fmt.Print(confirmation(id, stored[0]) + confirmation(id, stored[1]))
			continue
		}
		stored, err := store.Append(ctx, id, e)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(confirmation(id, stored))
	}
}

func confirmation(id string, e ring.Event) string {
	return fmt.Sprintf("%s %d %s %s\n", id, e.Seq, e.ID, e.Data)
}

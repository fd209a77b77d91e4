package pebble_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A session goes on where it was after the process has ended and another one has opened the
// directory.
func Example() {
	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	store, err := pebble.Open(dir, pebble.Config{})
	if err != nil {
		log.Fatal(err)
	}
	store.Create(ctx, "s", shard.Metadata{})
	seen, _ := store.Append(ctx, "s", ring.Event{Data: []byte("one")})
	store.Append(ctx, "s", ring.Event{Data: []byte("two")})
	store.Close()

	store, err = pebble.Open(dir, pebble.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	store.Append(ctx, "s", ring.Event{Data: []byte("three")})
	reader, err := store.Open(ctx, "s", replay.Position{LastEventID: seen.ID})
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	events, _ := replay.Drain(reader)
	for _, e := range events {
		fmt.Println(e.Seq, string(e.Data))
	}
	// Output:
	// 2 two
	// 3 three
}

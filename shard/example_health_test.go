package shard_test

import (
	"fmt"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A reader with a cursor of its own says how far it is, and Health tells when it is about to lose
// events.
func ExampleSession_Health() {
	m, err := shard.New(shard.Config{Ring: ring.Config{MaxEvents: 100}})
	if err != nil {
		panic(err)
	}
	defer m.Close()
	s, err := m.Create(shard.Metadata{})
	if err != nil {
		panic(err)
	}
	reader, err := s.AttachReader()
	if err != nil {
		panic(err)
	}
	defer reader.Detach()
	cursor := s.Tail()
	reader.ReadUpTo(cursor.Seq())

	for range 80 {
		s.Append(ring.Event{Data: []byte("an event")})
	}
	h := s.Health()
	fmt.Printf("%v: %d behind, %.0f%% of the way to losing some\n", h.Problems, h.Lag, 100*h.Danger)

	for e := (ring.Event{}); cursor.Next(&e); {
	}
	reader.ReadUpTo(cursor.Seq())
	fmt.Println(s.Health().Problems)
	// Output:
	// lagging: 80 behind, 80% of the way to losing some
	// none
}

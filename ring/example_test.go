package ring_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/reprise-go/reprise/ring"
)

func Example() {
	log, _ := ring.New(ring.Config{MaxEvents: 100})
	for _, word := range []string{"to", "be", "or", "not"} {
		log.Append(ring.Event{ID: "id-" + word, Data: []byte(word)})
	}
	cursor, _ := log.Seek("id-be")
	var e ring.Event
	for cursor.Next(&e) {
		fmt.Println(e.Seq, e.ID, string(e.Data))
	}
	// Output:
	// 3 id-or or
	// 4 id-not not
}

func ExampleNew() {
	_, err := ring.New(ring.Config{MaxEvents: -1})
	fmt.Println(err)
	// Output: ring: Config.MaxEvents is -1, want 1 to 1048576, or 0 for 1000
}

func ExampleRing_Append() {
	log, _ := ring.New(ring.Config{})
	buffer := []byte("first")
	stored, _ := log.Append(ring.Event{ID: "a", Data: buffer})
	copy(buffer, "reuse") // the log has its own copy
	again, err := log.Append(ring.Event{ID: "a", Data: buffer})
	fmt.Println(stored.Seq, string(stored.Data))
	fmt.Println(again.Seq, string(again.Data), errors.Is(err, ring.ErrDuplicateID))
	// Output:
	// 1 first
	// 1 first true
}

func ExampleRing_Seek() {
	log, _ := ring.New(ring.Config{MaxEvents: 2})
	first, _ := log.Append(ring.Event{})
	log.Append(ring.Event{})
	log.Append(ring.Event{})
	_, evicted := log.Seek(first.ID)
	_, unknown := log.Seek("of another session")
	fmt.Println(errors.Is(evicted, ring.ErrEvicted), errors.Is(unknown, ring.ErrUnknownID))
	// Output: true true
}

// A reader that follows the log: read what there is, then wait for more.
func ExampleRing_Wait() {
	log, _ := ring.New(ring.Config{})
	cursor := log.Tail()
	go func() {
		log.Append(ring.Event{Data: []byte("hello")})
		log.Append(ring.Event{Data: []byte("world")})
		log.Close()
	}()
	var e ring.Event
	for {
		for cursor.Next(&e) {
			fmt.Println(string(e.Data))
		}
		if err := log.Wait(context.Background(), cursor.Seq()); err != nil {
			fmt.Println(err)
			return
		}
	}
	// Output:
	// hello
	// world
	// ring: closed
}

func ExampleCursor_Only() {
	log, _ := ring.New(ring.Config{})
	log.Append(ring.Event{Stream: "a", Data: []byte("1")})
	log.Append(ring.Event{Stream: "b", Data: []byte("2")})
	log.Append(ring.Event{Stream: "a", Data: []byte("3")})
	cursor, _ := log.Seek("")
	only := cursor.Only("a")
	var e ring.Event
	for only.Next(&e) {
		fmt.Println(string(e.Data))
	}
	// Output:
	// 1
	// 3
}

// A cursor that writers have overtaken says so; it never skips events in silence.
func ExampleCursor_Err() {
	log, _ := ring.New(ring.Config{MaxEvents: 2})
	cursor, _ := log.Seek("")
	for range 3 {
		log.Append(ring.Event{})
	}
	var e ring.Event
	fmt.Println(cursor.Next(&e), cursor.Err())
	// Output: false ring: events evicted: the event after sequence 0 is no longer retained
}

func ExampleRing_Stats() {
	log, _ := ring.New(ring.Config{MaxEvents: 2})
	for range 3 {
		log.Append(ring.Event{Stream: "s", Data: []byte("x")})
	}
	s := log.Stats()
	fmt.Println(s.Events, s.First, s.Last, s.Evicted)
	// Output: 2 2 3 1
}

func ExampleRing_Tail() {
	log, _ := ring.New(ring.Config{})
	log.Append(ring.Event{})
	cursor := log.Tail()
	log.Append(ring.Event{Data: []byte("new")})
	var e ring.Event
	cursor.Next(&e)
	fmt.Println(string(e.Data))
	// Output: new
}

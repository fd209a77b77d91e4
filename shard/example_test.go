package shard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// open returns a manager with one session, "s1".
func open() (*shard.Manager, *shard.Session) {
	m, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	s, err := m.CreateWithID("s1", shard.Metadata{Transport: "sse", Principal: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	return m, s
}

// A client connects, misses an event, and comes back with the ID of the last event that it has
// seen.
func Example() {
	m, err := shard.New(shard.Config{TTL: 10 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	s, err := m.Create(shard.Metadata{Transport: "sse"})
	if err != nil {
		log.Fatal(err)
	}
	seen, _ := s.Append(ring.Event{Data: []byte("one")})
	s.Append(ring.Event{Data: []byte("two")})

	s, err = m.Get(s.ID())
	if err != nil {
		log.Fatal(err) // ErrNotFound: the client must start over
	}
	cursor, err := s.Seek(seen.ID)
	if err != nil {
		log.Fatal(err) // ring.ErrEvicted: it has been away for too long
	}
	for e := (ring.Event{}); cursor.Next(&e); {
		fmt.Println(e.Seq, string(e.Data))
	}
	// Output: 2 two
}

func ExampleNew() {
	_, err := shard.New(shard.Config{Tick: time.Microsecond})
	fmt.Println(err)
	// Output: shard: Config.Tick is 1µs, want 0 (default) or 1ms to 1m0s
}

func ExampleManager_Create() {
	m, _ := shard.New(shard.Config{MaxSessions: 1})
	defer m.Close()
	s, _ := m.Create(shard.Metadata{})
	_, err := m.Create(shard.Metadata{})
	fmt.Println(len(s.ID()), err)
	// Output: 36 shard: too many sessions: the limit of 1 is reached
}

func ExampleManager_CreateWithID() {
	m, _ := open()
	defer m.Close()
	_, err := m.CreateWithID("s1", shard.Metadata{})
	fmt.Println(err)
	_, err = m.CreateWithID("s 2", shard.Metadata{})
	fmt.Println(err)
	// Output:
	// shard: session exists: "s1"
	// shard: invalid session ID: byte 0x20 at 1 of "s 2", want 0x21 to 0x7E
}

func ExampleManager_CreateWith() {
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	s, _ := m.CreateWith(shard.Options{TTL: -1, Ring: ring.Config{MaxEvents: 2}})
	for range 5 {
		s.Append(ring.Event{})
	}
	fmt.Println(s.Info().Log.Events, s.Info().Log.Evicted)
	// Output: 2 3
}

func ExampleManager_Get() {
	m, _ := open()
	defer m.Close()
	_, err := m.Get("s2")
	fmt.Println(err, errors.Is(err, shard.ErrNotFound))
	// Output: shard: session not found: "s2" true
}

func ExampleManager_Authorize() {
	m, _ := open()
	defer m.Close()
	s, err := m.Authorize("s1", "alice")
	fmt.Println(s.ID(), err)
	_, err = m.Authorize("s1", "mallory")
	fmt.Println(err)
	// Output:
	// s1 <nil>
	// shard: wrong principal: "s1"
}

func ExampleManager_Info() {
	m, _ := open()
	defer m.Close()
	m.Terminate("s1")
	info, err := m.Info("s1") // it lingers
	fmt.Println(info.Status, info.Principal, err)
	// Output: terminated alice <nil>
}

func ExampleManager_Sessions() {
	m, _ := open()
	defer m.Close()
	for s := range m.Sessions() {
		fmt.Println(s.ID(), s.Info().Status)
	}
	// Output: s1 active
}

func ExampleManager_Terminate() {
	m, s := open()
	defer m.Close()
	fmt.Println(m.Terminate("s1"), m.Terminate("unknown"))
	_, err := s.Append(ring.Event{})
	fmt.Println(err)
	// Output:
	// <nil> <nil>
	// shard: session not found: "s1"
}

func ExampleManager_Stats() {
	m, s := open()
	defer m.Close()
	s.Append(ring.Event{Data: []byte("hello")})
	st := m.Stats()
	fmt.Println(st.Active, st.Events, st.Appended, st.Evicted)
	// Output: 1 1 1 0
}

func ExampleManager_Close() {
	m, _ := shard.New(shard.Config{OnEnd: func(i shard.Info) { fmt.Println(i.ID, i.Status, i.Log.Events) }})
	s, _ := m.CreateWithID("s1", shard.Metadata{})
	s.Append(ring.Event{})
	m.Close()
	_, err := m.Get("s1")
	fmt.Println(err)
	// Output:
	// s1 terminated 1
	// shard: manager closed
}

func ExampleSession_Append() {
	m, s := open()
	defer m.Close()
	e, _ := s.Append(ring.Event{ID: "e1", Data: []byte("hello")})
	again, err := s.Append(ring.Event{ID: "e1", Data: []byte("hello, once more")})
	fmt.Println(e.Seq, again.Seq, string(again.Data), errors.Is(err, ring.ErrDuplicateID))
	// Output: 1 1 hello true
}

func ExampleSession_Seek() {
	m, s := open()
	defer m.Close()
	s.Append(ring.Event{ID: "a", Stream: "x"})
	s.Append(ring.Event{ID: "b", Stream: "y"})
	s.Append(ring.Event{ID: "c", Stream: "x"})
	cursor, _ := s.Seek("a")
	for e := (ring.Event{}); cursor.Next(&e); {
		fmt.Println(e.ID)
	}
	_, err := s.Seek("z")
	fmt.Println(errors.Is(err, ring.ErrUnknownID))
	// Output:
	// c
	// true
}

func ExampleSession_Tail() {
	m, s := open()
	defer m.Close()
	s.Append(ring.Event{ID: "before"})
	cursor := s.Tail()
	s.Append(ring.Event{ID: "after"})
	for e := (ring.Event{}); cursor.Next(&e); {
		fmt.Println(e.ID)
	}
	// Output: after
}

func ExampleSession_Wait() {
	m, s := open()
	defer m.Close()
	detach, _ := s.Attach()
	defer detach()
	cursor := s.Tail()
	go func() {
		s.Append(ring.Event{ID: "live"})
		s.Finish()
	}()
	for {
		for e := (ring.Event{}); cursor.Next(&e); {
			fmt.Println(e.ID)
		}
		if err := s.Wait(context.Background(), cursor.Seq()); err != nil {
			fmt.Println(err)
			return
		}
	}
	// Output:
	// live
	// shard: session finished: "s1"
}

func ExampleSession_Attach() {
	m, s := open()
	defer m.Close()
	detach, _ := s.Attach() // while the response is being written
	fmt.Println(s.Info().Attached)
	detach()
	fmt.Println(s.Info().Attached)
	// Output:
	// 1
	// 0
}

func ExampleSession_Touch() {
	m, s := open()
	defer m.Close()
	fmt.Println(s.Touch())
	s.Terminate()
	fmt.Println(s.Touch())
	// Output:
	// <nil>
	// shard: session not found: "s1"
}

func ExampleSession_Update() {
	m, s := open()
	defer m.Close()
	err := s.Update(func(md *shard.Metadata) { md.ClientInfo = map[string]any{"name": "browser"} })
	fmt.Println(s.Info().ClientInfo, err)
	err = s.Update(func(md *shard.Metadata) { md.Principal = "mallory" })
	fmt.Println(s.Info().Principal, err)
	// Output:
	// map[name:browser] <nil>
	// alice shard: wrong principal: "s1"
}

func ExampleSession_Finish() {
	m, s := open()
	defer m.Close()
	s.Append(ring.Event{ID: "last"})
	s.Finish()
	_, err := s.Append(ring.Event{})
	fmt.Println(err)
	cursor, _ := s.Seek("")
	for e := (ring.Event{}); cursor.Next(&e); {
		fmt.Println(e.ID)
	}
	// Output:
	// shard: session finished: "s1"
	// last
}

func ExampleSession_Done() {
	m, s := open()
	defer m.Close()
	go s.Terminate()
	<-s.Done()
	fmt.Println(s.Info().Status, s.Err())
	// Output: terminated shard: session not found: "s1"
}

func ExampleSession_SetValue() {
	m, s := open()
	defer m.Close()
	s.SetValue([]string{"tools", "prompts"})
	fmt.Println(s.Value())
	// Output: [tools prompts]
}

// A process hands its sessions over to the next one, over a file, a pipe or a connection.
func ExampleManager_Save() {
	old, s := open()
	seen, _ := s.Append(ring.Event{Data: []byte("before")})
	s.Append(ring.Event{Data: []byte("meanwhile")})
	var snapshot bytes.Buffer
	if err := old.Save(context.Background(), &snapshot); err != nil {
		log.Fatal(err)
	}
	old.Close()

	m, err := shard.Load(context.Background(), &snapshot, shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s, err = m.Get("s1")
	if err != nil {
		log.Fatal(err)
	}
	s.Append(ring.Event{Data: []byte("after")})
	cursor, err := s.Seek(seen.ID) // the client's Last-Event-ID is still good
	if err != nil {
		log.Fatal(err)
	}
	for e := (ring.Event{}); cursor.Next(&e); {
		fmt.Println(e.Seq, string(e.Data))
	}
	// Output:
	// 2 meanwhile
	// 3 after
}

func ExampleLoad() {
	_, err := shard.Load(context.Background(), strings.NewReader("reprise\n\x01\x00"), shard.Config{})
	fmt.Println(errors.Is(err, shard.ErrSnapshot), err)
	// Output: true shard: Load: at byte 0: shard: not a valid snapshot: it is truncated
}

// A request that is sent twice is carried out once.
func ExampleSession_Claim() {
	m, s := open()
	defer m.Close()
	for range 2 {
		err := s.Claim("request 7")
		fmt.Println(err, errors.Is(err, shard.ErrClaimed))
	}
	// Output:
	// <nil> false
	// shard: already claimed: "request 7" true
}

// What to watch: refusals, which are counted, and unhealthy sessions.
func ExampleManager_Census() {
	m, s := open()
	defer m.Close()
	for range 1001 {
		s.Append(ring.Event{}) // more than the log retains, at once
	}
	m.Get("who?")
	fmt.Println(m.Stats().Refused.NotFound, m.Census().Evicting)
	// Output: 1 1
}

func ExampleMetadata_Validate() {
	err := shard.Metadata{ClientInfo: map[string]any{"name": "a\xff"}}.Validate()
	fmt.Println(errors.Is(err, shard.ErrInvalidMetadata), err)
	// Output: true shard: invalid metadata: ClientInfo["name"] is not UTF-8: "a\xff"
}

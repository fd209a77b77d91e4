package replay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A server with net/http alone. A browser's EventSource on /events?session=demo resumes by itself.
func Example() {
	sessions, _ := shard.New(shard.Config{})
	defer sessions.Close()
	demo, _ := sessions.CreateWithID("demo", shard.Metadata{})
	events := &replay.Handler{Store: replay.Local(sessions)}
	http.Handle("/events", events)
	server := &http.Server{HTTP2: &http.HTTP2Config{WriteByteTimeout: 10 * time.Second}}
	server.RegisterOnShutdown(events.Close)
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	go server.Serve(listener)
	defer server.Shutdown(context.Background())

	demo.Append(ring.Event{ID: "1", Data: []byte("hello")})
	demo.Append(ring.Event{ID: "2", Data: []byte("world")})
	demo.Finish()
	place := regexp.MustCompile(`[0-9a-z]{12}\.0`) // where a client is that has nothing yet
	fetch := func(lastEventID string) {
		resp, err := http.Get("http://" + listener.Addr().String() + "/events?session=demo&last_event_id=" + lastEventID)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		fmt.Printf("%d %q\n", resp.StatusCode, place.ReplaceAll(body, []byte("PLACE")))
	}
	fetch("")
	fetch("1")
	fetch("2")
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// 200 ":\nretry: 3000\nid: PLACE\n\nid: 1\ndata: hello\n\nid: 2\ndata: world\n\n"
	// 200 ":\nretry: 3000\nid: 1\n\nid: 2\ndata: world\n\n"
	// 204 ""
}

// demo returns a session with three events, "1" to "3", and what ends it.
func demo() (*shard.Session, func() error) {
	m, err := shard.New(shard.Config{})
	if err != nil {
		panic(err)
	}
	s, err := m.CreateWithID("demo", shard.Metadata{Principal: "alice"})
	if err != nil {
		panic(err)
	}
	for _, id := range []string{"1", "2", "3"} {
		if _, err := s.Append(ring.Event{ID: id, Data: []byte("event " + id)}); err != nil {
			panic(err)
		}
	}
	return s, m.Close
}

// Principal binds sessions to whoever the application has authenticated; everybody else gets what an unknown session gets.
func ExampleHandler_principal() {
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	m.CreateWithID("demo", shard.Metadata{Principal: "alice"})
	h := &replay.Handler{
		Store:     replay.Local(m),
		Principal: func(r *http.Request) string { user, _, _ := r.BasicAuth(); return user },
	}
	for _, user := range []string{"mallory", "alice"} {
		r := httptest.NewRequest("DELETE", "/?session=demo", nil)
		r.SetBasicAuth(user, "")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(user, w.Code)
	}
	// Output:
	// mallory 404
	// alice 204
}

func ExampleHandler_Close() {
	h := &replay.Handler{}
	server := &http.Server{Handler: h}
	server.RegisterOnShutdown(h.Close) // Shutdown alone would wait for the streams
	fmt.Println(server.Shutdown(context.Background()))
	// Output: <nil>
}

func ExampleLocal() {
	ctx := context.Background()
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	store := replay.Local(m)
	id, _ := store.Create(ctx, "", shard.Metadata{})
	store.Append(ctx, id, ring.Event{ID: "1", Data: []byte("hello")})
	r, _ := store.Open(ctx, id, replay.Position{})
	defer r.Close()
	var e ring.Event
	for r.Next(&e) {
		fmt.Println(e.ID, string(e.Data))
	}
	_, err := store.Open(ctx, id, replay.Position{LastEventID: "unheard of"})
	fmt.Println(errors.Is(err, ring.ErrUnknownID))
	// Output:
	// 1 hello
	// true
}

func ExamplePosition() {
	ctx := context.Background()
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	s, _ := m.CreateWithID("demo", shard.Metadata{})
	for _, stream := range []string{"a", "b", "a", "c"} {
		s.Append(ring.Event{ID: fmt.Sprint(s.Info().Log.Last + 1), Stream: stream})
	}
	for _, at := range []replay.Position{{}, {LastEventID: "1"}, {LastEventID: "1", All: true}, {Streams: []string{"b", "c"}}, {Live: true}} {
		r, _ := replay.Local(m).Open(ctx, "demo", at)
		events, _ := replay.Drain(r)
		r.Close()
		for _, e := range events {
			fmt.Print(e.ID, e.Stream, " ")
		}
		fmt.Println(".")
	}
	// Output:
	// 1a 2b 3a 4c .
	// 3a .
	// 2b 3a 4c .
	// 2b 4c .
	// .
}

func ExampleAfter() {
	s, done := demo()
	defer done()
	for e, err := range replay.After(s, "1") {
		fmt.Println(string(e.Data), err)
	}
	// Output:
	// event 2 <nil>
	// event 3 <nil>
}

func ExampleSend() {
	s, done := demo()
	defer done()
	err := replay.Send(s, "1", func(e ring.Event) error {
		fmt.Println(string(e.Data))
		return errors.New("connection lost")
	})
	fmt.Println(err)
	// Output:
	// event 2
	// connection lost
}

func ExampleFollow() {
	s, done := demo()
	defer done()
	go func() {
		s.Append(ring.Event{Data: []byte("live")})
		s.Finish()
	}()
	for e, err := range replay.Follow(context.Background(), s, "2") {
		if err != nil {
			fmt.Println(errors.Is(err, shard.ErrFinished))
			break
		}
		fmt.Println(string(e.Data))
	}
	// Output:
	// event 3
	// live
	// true
}

func ExampleAll() {
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	s, _ := m.CreateWithID("demo", shard.Metadata{})
	r, _ := replay.Local(m).Open(context.Background(), "demo", replay.Position{Live: true})
	s.Append(ring.Event{Data: []byte("live")})
	s.Terminate()
	for e, err := range replay.All(context.Background(), r) { // closes r
		fmt.Println(string(e.Data), errors.Is(err, shard.ErrNotFound))
	}
	// Output:
	// live false
	//  true
}

func ExampleDrain() {
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	s, _ := m.CreateWithID("demo", shard.Metadata{})
	r, _ := replay.Local(m).Open(context.Background(), "demo", replay.Position{})
	defer r.Close()
	s.Append(ring.Event{})
	s.Append(ring.Event{})
	events, err := replay.Drain(r)
	fmt.Println(len(events), err)
	events, err = replay.Drain(r)
	fmt.Println(len(events), err)
	// Output:
	// 2 <nil>
	// 0 <nil>
}

func ExampleAppendSSE() {
	e := ring.Event{ID: "7", Type: "token", Data: []byte("two\r\nlines")}
	fmt.Print(strings.ReplaceAll(string(replay.AppendSSE(nil, e)), "\n\n", "\n.\n"))
	// Output:
	// id: 7
	// event: token
	// data: two
	// data: lines
	// .
}

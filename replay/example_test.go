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
		url := "http://" + listener.Addr().String() + "/events?session=demo&last_event_id="
		resp, err := http.Get(url + lastEventID)
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

// Principal binds sessions to whoever the application has authenticated; everybody else gets what
// an unknown session gets.
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

// A handler of one's own in five lines: what a client may not see is left out or changed on its
// way.
func ExampleHandler_Accept() {
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	s, _ := m.CreateWithID("demo", shard.Metadata{})
	s.Append(ring.Event{ID: "1", Type: "debug", Data: []byte("internal")})
	s.Append(ring.Event{ID: "2", Data: []byte("the password is swordfish")})
	s.Finish()

	events := &replay.Handler{Store: replay.Local(m)}
	http.HandleFunc("GET /redacted", func(w http.ResponseWriter, r *http.Request) {
		stream := events.Accept(w, r)
		if stream == nil {
			return // answered: 404, 410, 204, …
		}
		defer stream.Close()
		var e ring.Event
		for stream.Next(&e) {
			if e.Type != "debug" {
				e.Data = []byte(strings.ReplaceAll(string(e.Data), "swordfish", "…"))
				stream.Send(e)
			}
		}
	})
	for _, lastEventID := range []string{"1", "2", "3"} {
		w := httptest.NewRecorder()
		http.DefaultServeMux.ServeHTTP(w,
			httptest.NewRequest("GET", "/redacted?session=demo&lastEventId="+lastEventID, nil))
		fmt.Printf("%d %q\n", w.Code, w.Body)
	}
	// Output:
	// 200 ":\nretry: 3000\nid: 1\n\nid: 2\ndata: the password is …\n\n"
	// 204 ""
	// 410 "Last-Event-ID is not a retained event of this session\n"
}

// Two ways to mount: for all methods, DELETE included, and for reading alone, with the session's ID
// in the path.
func ExampleHandler_mounting() {
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	m.CreateWithID("demo", shard.Metadata{})
	store := replay.Local(m)
	mux := http.NewServeMux()
	mux.Handle("/mcp/events", &replay.Handler{Store: store})
	mux.Handle("/sessions/{id}/events", &replay.Handler{
		Store: store, ReadOnly: true, NotFoundStatus: http.StatusNoContent,
		SessionID: func(r *http.Request) string { return r.PathValue("id") },
	})
	for _, request := range [][2]string{
		{"HEAD", "/sessions/demo/events"}, {"DELETE", "/sessions/demo/events"},
		{"DELETE", "/mcp/events?session=demo"}, {"GET", "/sessions/demo/events"},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(request[0], request[1], nil))
		fmt.Println(strings.TrimSpace(fmt.Sprint(request[0], " ", request[1], " ", w.Code, " ",
			w.Header().Get("Allow"))))
	}
	// Output:
	// HEAD /sessions/demo/events 200
	// DELETE /sessions/demo/events 405 GET, HEAD
	// DELETE /mcp/events?session=demo 204
	// GET /sessions/demo/events 204
}

// DoneEvent tells a page that a session has finished, which it cannot tell from a broken connection
// otherwise.
func ExampleHandler_doneEvent() {
	m, _ := shard.New(shard.Config{})
	defer m.Close()
	s, _ := m.CreateWithID("demo", shard.Metadata{})
	s.Append(ring.Event{ID: "1", Data: []byte("the answer")})
	s.Finish()
	h := &replay.Handler{Store: replay.Local(m), DoneEvent: "done"}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/?session=demo&lastEventId=1", nil))
	fmt.Println(strings.Contains(w.Body.String(), "event: done"))
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/?session=demo&lastEventId="+s.PositionID(1),
		nil)) // the done event's ID
	fmt.Println(w.Code)
	// Output:
	// true
	// 204
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
	for _, at := range []replay.Position{{}, {LastEventID: "1"}, {LastEventID: "1", All: true},
		{Streams: []string{"b", "c"}}, {Live: true}} {
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

// The beginning of a session may be gone: After says so on demand.
func ExampleAfter_everything() {
	m, _ := shard.New(shard.Config{Ring: ring.Config{MaxEvents: 2}})
	defer m.Close()
	s, _ := m.CreateWithID("demo", shard.Metadata{})
	for range 3 {
		s.Append(ring.Event{})
	}
	for e, err := range replay.After(s, "") {
		fmt.Println(e.Seq, err)
	}
	for _, err := range replay.After(s, s.PositionID(0)) {
		fmt.Println(errors.Is(err, ring.ErrEvicted))
	}
	// Output:
	// 2 <nil>
	// 3 <nil>
	// true
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

package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/internal/testkit/sse"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// served is the program in front of a proxy.
type served struct {
	*app
	web   *httptest.Server
	proxy *proxy.Proxy
	runs  atomic.Int32 // of the model
	ended chan error   // what it ended with
}

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{ended: make(chan error, 1)}
	speak := model(2 * time.Millisecond)
	a, err := newApp(func(ctx context.Context, prompt string, say func(string) error) error {
		s.runs.Add(1)
		err := speak(ctx, prompt, say)
		s.ended <- err
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.sessions.Close() })
	s.app, s.web = a, httptest.NewServer(a.routes())
	t.Cleanup(s.web.Close)
	s.proxy = proxy.New(t, s.web.Listener.Addr().String())
	return s
}

// ask returns where the answer is.
func (s *served) ask(t *testing.T) (events string) {
	t.Helper()
	resp, err := s.web.Client().PostForm(s.web.URL+"/ask", url.Values{"prompt": {"why?"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	id, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	return s.proxy.URL() + "/events?session=" + string(id)
}

var whole = strings.Join(strings.Fields(text), " ") + " "

// read adds to the answer until it has so many words or the stream ends, and tells whether it is
// done.
func read(s *sse.Stream, answer *string, words int) (done bool) {
	for words > 0 {
		e, ok := s.Next()
		if !ok {
			return false
		}
		if e.Type == "done" {
			return true
		}
		*answer += e.Data
		words--
	}
	return false
}

func TestAReloadShowsTheWholeAnswerAndTheModelRunsOnce(t *testing.T) {
	s := serve(t)
	events := s.ask(t)
	var before, after string
	read(sse.Open(t, events, ""), &before, 10)
	reloaded := sse.Open(t, events, "") // a new page knows no event
	if !read(reloaded, &after, 1000) || after != whole {
		t.Errorf("after the reload: %q", after)
	}
	if !strings.HasPrefix(whole, before) || len(before) == 0 {
		t.Errorf("before it: %q", before)
	}
	if _, more := reloaded.Next(); more {
		t.Error("the stream goes on after its end")
	}
	if status := sse.Open(t, events, reloaded.LastID).Status; status != http.StatusNoContent {
		t.Errorf("coming back after the end is answered with %d", status)
	}
	var late string
	if !read(sse.Open(t, events, ""), &late, 1000) || late != whole {
		t.Errorf("a reload after the end: %q", late)
	}
	if n := s.runs.Load(); n != 1 {
		t.Errorf("the model ran %d times", n)
	}
}

func TestACutConnectionLosesAndRepeatsNoWord(t *testing.T) {
	s := serve(t)
	events := s.ask(t)
	var answer string
	stream := sse.Open(t, events, "")
	for range 3 {
		read(stream, &answer, 10)
		s.proxy.Cut()
		if read(stream, &answer, 1000) { // to the break: what had come through before
			t.Fatal("done too early")
		}
		stream = sse.Open(t, events, stream.LastID)
	}
	for !read(stream, &answer, 1000) {
		stream = sse.Open(t, events, stream.LastID)
	}
	if answer != whole {
		t.Errorf("%q", answer)
	}
}

func TestStoppingEndsTheModel(t *testing.T) {
	s := serve(t)
	events := s.ask(t)
	var answer string
	read(sse.Open(t, events, ""), &answer, 5)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, events, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	if err := <-s.ended; err == nil {
		t.Error("the model has said everything")
	}
}

func TestThePageIsServed(t *testing.T) {
	s := serve(t)
	for path, want := range map[string]string{"/": "page.js", "/page.js": "EventSource", "/page.css": "color-scheme"} {
		resp, err := s.web.Client().Get(s.web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s %v", path, resp.Status, err)
		}
	}
}

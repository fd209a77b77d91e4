package inspector

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestTheInspectorServesItsPagesUnderAnyPrefix(t *testing.T) {
	h := newHandler(t, newManager(t, shard.Config{}))
	for target, want := range map[string]string{
		"/":                            "text/html",
		"/debug/sessions/":             "text/html",
		"/debug/sessions/session":      "text/html",
		"/inspector/overview.js":       "text/javascript",
		"/inspector/style.css":         "text/css",
		"/inspector/icon.svg":          "image/svg",
		"/inspector/sessions.json":     "application/json",
		"/a/b/c/session?s=whatever%2F": "text/html",
	} {
		w := ask(h, "GET", target)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), want) || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %v", target, w.Code, w.Header())
		}
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", target, csp)
		}
	}
	for _, target := range []string{"/inspector/nothing", "/inspector/..", "/inspector/handler.go", "/session.json",
		"/live?s=abc"} {
		if w := ask(h, "GET", target); w.Code != 404 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

func TestTheInspectorsPagesHaveNothingInlineAndNothingForeign(t *testing.T) {
	files, err := assets.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := assets.ReadFile("assets/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "http://www.w3.org/2000/svg", "")
		for _, bad := range []string{"http:", "https:", "<style", "style=", "<script>", "onclick", "innerHTML",
			"eval(", "@import"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q", f.Name(), bad)
			}
		}
	}
}

func TestTheInspectorRefusesWhatHandlerRefuses(t *testing.T) {
	h := newHandler(t, newManager(t, shard.Config{}))
	for _, target := range []string{"/", "/sessions.json", "/live", "/session.json?s=x"} {
		for _, method := range []string{"POST", "DELETE", "PUT", "OPTIONS"} {
			if w := ask(h, method, target, "Origin", "https://evil.example"); w.Code != 405 ||
				w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, %v", method, target, w.Code, w.Header())
			}
		}
		if w := ask(h, "GET", target, "Origin", "https://evil.example"); w.Code != 403 ||
			w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if w := ask(h, "GET", "/sessions.json", "Origin", "http://example.com"); w.Code != 200 { // httptest's own host
		t.Errorf("own origin: %d", w.Code)
	}
	allowing := &Handler{Manager: newManager(t, shard.Config{}), AllowOrigin: func(*http.Request) bool { return true }}
	defer allowing.Close()
	if w := ask(allowing, "GET", "/", "Origin", "https://admin.example"); w.Code != 200 {
		t.Errorf("an allowed origin: %d", w.Code)
	}
	if w := ask(&Handler{}, "GET", "/"); w.Code != 500 {
		t.Errorf("without a Manager: %d", w.Code)
	}
	if w := ask(h, "HEAD", "/live"); w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("HEAD of a feed: %d, %v", w.Code, w.Header())
	}
	if w := ask(h, "HEAD", "/"); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
}

func TestSessionIDsAreAbbreviatedAndURLsHaveHandles(t *testing.T) {
	for id, want := range map[string]string{
		"0123456789abcdef0123456789abcdef": "01234567…",
		"0123456789abcdef":                 "0123…",
		"admin":                            "a…",
		"abc":                              "…",
	} {
		if got := abbreviated(id); got != want {
			t.Errorf("%q is shown as %q, want %q", id, got, want)
		}
	}
	m := newManager(t, shard.Config{})
	h, other := newHandler(t, m), newHandler(t, m)
	id := "a-session-id-that-nobody-may-know-0123456789" + strings.Repeat("x", 80)
	s := create(t, m, id, "me")
	appendTo(t, s, ring.Event{Stream: "stream", Data: []byte("secret")})
	body := ask(h, "GET", "/sessions.json").Body.String()
	handle := fetch[shownTable](t, h, "/sessions.json").Rows[0].Handle
	if again := fetch[shownTable](t, h, "/sessions.json").Rows[0].Handle; again != handle {
		t.Error("a session's handle changes")
	}
	page := ask(h, "GET", "/session.json?s="+url.QueryEscape(handle))
	if page.Code != 200 || strings.Contains(body+page.Body.String(), id[:9]) ||
		strings.Contains(page.Body.String(), "secret") {
		t.Errorf("%d: %s", page.Code, page.Body)
	}
	forged := []byte(handle)
	forged[len(forged)/2] ^= 1
	for _, bad := range []string{"", id, string(forged), handle[:20], handle + "A", strings.Repeat("A", 400)} {
		if w := ask(h, "GET", "/session.json?s="+url.QueryEscape(bad)); w.Code != 404 {
			t.Errorf("handle %.30q: %d", bad, w.Code)
		}
	}
	ask(other, "GET", "/")
	if w := ask(other, "GET", "/session.json?s="+handle); w.Code != 404 {
		t.Errorf("another Inspector's handle: %d", w.Code)
	}
}

func follower(t *testing.T, s *shard.Session) *shard.Reader {
	f, err := s.AttachReader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Detach)
	return f
}

func TestASessionsPageHasItsWindowStreamsReadersAndHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 100}})
		h := newHandler(t, m)
		s := create(t, m, "a-session", "me")
		slow, fast := follower(t, s), follower(t, s)
		slow.ReadUpTo(0)
		for range 40 {
			appendTo(t, s, ring.Event{Stream: "a", Data: []byte("payload")})
			appendTo(t, s, ring.Event{Stream: "b", Data: []byte("another payload")})
			time.Sleep(time.Second)
		}
		fast.ReadUpTo(80)
		target := "/session.json?s=" + handleOf(h, s)
		page := fetch[shownSession](t, h, target)
		equal(t, "problems", page.Problems, "[lagging]")
		equal(
			t,
			"window",
			fmt.Sprint(page.First, page.Last, page.Events, page.MaxEvents, page.Window, page.Fill),
			"1 80 80 100 40 0.8",
		)
		equal(t, "readers", page.Readers[0].Lag, 80)
		equal(t, "readers", page.Readers[1].Lag, 0)
		b, a := page.Streams[0], page.Streams[1]
		equal(
			t,
			"streams",
			fmt.Sprintf("%s %d %d, %s %d %d", b.Name, b.Events, b.Last, a.Name, a.Events, a.Last),
			"b 40 80, a 40 79",
		)
		equal(t, "recent", len(page.Recent), shownEvents)
		first := page.Recent[0]
		equal(
			t,
			"newest",
			fmt.Sprintf("%d %s %d %q %v", first.Seq, first.Stream, first.Size, first.Data, page.Payloads),
			`80 b 15 "" false`,
		)
		equal(t, "oldest shown", page.Recent[shownEvents-1].Seq, 31)

		h.ShowPayloads = true
		equal(t, "payload", fetch[shownSession](t, h, target).Recent[0].Data, "another payload")

		s.Terminate()
		ended := fetch[shownSession](t, h, target)
		equal(t, "status", fmt.Sprintf("%s %d %d", ended.Status, ended.Events, len(ended.Recent)), "terminated 0 0")
		time.Sleep(2 * time.Minute)
		if w := ask(h, "GET", target); w.Code != 404 {
			t.Errorf("after Linger: %d", w.Code)
		}
	})
}

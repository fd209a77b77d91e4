package replay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func newInspector(t testing.TB, m *shard.Manager) *Inspector {
	t.Helper()
	in := &Inspector{Manager: m}
	t.Cleanup(in.Close)
	return in
}

// ask sends a request and returns the answer.
func ask(in http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	in.ServeHTTP(w, r)
	return w
}

// fetch decodes the JSON of an answer that must be 200.
func fetch[T any](t testing.TB, in http.Handler, target string) (v T) {
	t.Helper()
	w := ask(in, "GET", target)
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %d, %s", target, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheInspectorServesItsPagesUnderAnyPrefix(t *testing.T) {
	in := newInspector(t, newManager(t, shard.Config{}))
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
		w := ask(in, "GET", target)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), want) || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %v", target, w.Code, w.Header())
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", target, csp)
		}
	}
	for _, target := range []string{"/inspector/nothing", "/inspector/..", "/inspector/inspector.go", "/session.json", "/live?s=abc"} {
		if w := ask(in, "GET", target); w.Code != 404 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

func TestTheInspectorsPagesHaveNothingInlineAndNothingForeign(t *testing.T) {
	files, err := assets.ReadDir("inspector")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := assets.ReadFile("inspector/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "http://www.w3.org/2000/svg", "")
		for _, bad := range []string{"http:", "https:", "<style", "style=", "<script>", "onclick", "innerHTML", "eval(", "@import"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q", f.Name(), bad)
			}
		}
	}
}

func TestTheInspectorRefusesWhatHandlerRefuses(t *testing.T) {
	in := newInspector(t, newManager(t, shard.Config{}))
	for _, target := range []string{"/", "/sessions.json", "/live", "/session.json?s=x"} {
		for _, method := range []string{"POST", "DELETE", "PUT", "OPTIONS"} {
			if w := ask(in, method, target, "Origin", "https://evil.example"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, %v", method, target, w.Code, w.Header())
			}
		}
		if w := ask(in, "GET", target, "Origin", "https://evil.example"); w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if w := ask(in, "GET", "/sessions.json", "Origin", "http://example.com"); w.Code != 200 { // httptest's own host
		t.Errorf("own origin: %d", w.Code)
	}
	allowing := &Inspector{Manager: newManager(t, shard.Config{}), AllowOrigin: func(*http.Request) bool { return true }}
	defer allowing.Close()
	if w := ask(allowing, "GET", "/", "Origin", "https://admin.example"); w.Code != 200 {
		t.Errorf("an allowed origin: %d", w.Code)
	}
	if w := ask(&Inspector{}, "GET", "/"); w.Code != 500 {
		t.Errorf("without a Manager: %d", w.Code)
	}
	if w := ask(in, "HEAD", "/live"); w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("HEAD of a feed: %d, %v", w.Code, w.Header())
	}
	if w := ask(in, "HEAD", "/"); w.Code != 200 || w.Body.Len() != 0 {
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
	in, other := newInspector(t, m), newInspector(t, m)
	id := "a-session-id-that-nobody-may-know-0123456789" + strings.Repeat("x", 80)
	s := create(t, m, id, "me")
	add(t, s, "stream:secret")
	body := ask(in, "GET", "/sessions.json").Body.String()
	handle := fetch[shownTable](t, in, "/sessions.json").Rows[0].Handle
	if again := fetch[shownTable](t, in, "/sessions.json").Rows[0].Handle; again != handle {
		t.Error("a session's handle changes")
	}
	page := ask(in, "GET", "/session.json?s="+url.QueryEscape(handle))
	if page.Code != 200 || strings.Contains(body+page.Body.String(), id[:9]) || strings.Contains(page.Body.String(), "secret") {
		t.Errorf("%d: %s", page.Code, page.Body)
	}
	forged := []byte(handle)
	forged[len(forged)/2] ^= 1
	for _, bad := range []string{"", id, string(forged), handle[:20], handle + "A", strings.Repeat("A", 400)} {
		if w := ask(in, "GET", "/session.json?s="+url.QueryEscape(bad)); w.Code != 404 {
			t.Errorf("handle %.30q: %d", bad, w.Code)
		}
	}
	ask(other, "GET", "/")
	if w := ask(other, "GET", "/session.json?s="+handle); w.Code != 404 {
		t.Errorf("another Inspector's handle: %d", w.Code)
	}
}

// handleOf is the handle under which in knows s.
func handleOf(in *Inspector, s *shard.Session) string {
	in.once.Do(in.start)
	return in.handles.of(s.ID())
}

func TestASessionsPageHasItsWindowStreamsFollowersAndHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 100}})
		in := newInspector(t, m)
		s := create(t, m, "a-session", "me")
		slow, fast := mustOpen(t, s, Position{}), mustOpen(t, s, Position{})
		ready(slow)
		for range 40 {
			add(t, s, "a:payload", "b:another payload")
			time.Sleep(time.Second)
		}
		ready(fast)
		target := "/session.json?s=" + handleOf(in, s)
		page := fetch[shownSession](t, in, target)
		equal(t, "problems", page.Problems, "[lagging]")
		equal(t, "window", fmt.Sprint(page.First, page.Last, page.Events, page.MaxEvents, page.Window, page.Fill), "1 80 80 100 40 0.8")
		equal(t, "followers", page.Followers[0].Lag, 80)
		equal(t, "followers", page.Followers[1].Lag, 0)
		b, a := page.Streams[0], page.Streams[1]
		equal(t, "streams", fmt.Sprintf("%s %d %d, %s %d %d", b.Name, b.Events, b.Last, a.Name, a.Events, a.Last), "b 40 80, a 40 79")
		equal(t, "recent", len(page.Recent), shownEvents)
		first := page.Recent[0]
		equal(t, "newest", fmt.Sprintf("%d %s %d %q %v", first.Seq, first.Stream, first.Size, first.Data, page.Payloads), `80 b 15 "" false`)
		equal(t, "oldest shown", page.Recent[shownEvents-1].Seq, 31)

		in.ShowPayloads = true
		equal(t, "payload", fetch[shownSession](t, in, target).Recent[0].Data, "another payload")

		s.Terminate()
		ended := fetch[shownSession](t, in, target)
		equal(t, "status", fmt.Sprintf("%s %d %d", ended.Status, ended.Events, len(ended.Recent)), "terminated 0 0")
		time.Sleep(2 * time.Minute)
		if w := ask(in, "GET", target); w.Code != 404 {
			t.Errorf("after Linger: %d", w.Code)
		}
	})
}

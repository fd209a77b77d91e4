package replay

import (
	"context"
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

func TestTheTableIsSortedFilteredAndPaged(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 10}})
	in := newInspector(t, m)
	for i := range 40 {
		s := create(t, m, fmt.Sprintf("%08d-and-more-that-is-secret", i), fmt.Sprintf("user-%02d", i/2))
		fill(t, s, i%12)
		if i == 7 {
			s.Finish()
		}
	}
	table := func(query string) (matched int, principals string) {
		t.Helper()
		got := fetch[shownTable](t, in, "/sessions.json?"+query)
		var all []string
		for _, r := range got.Rows {
			all = append(all, strings.TrimPrefix(r.Principal, "user-"))
		}
		if got.Total != 40 || got.Truncated {
			t.Errorf("%s: %d looked at, truncated: %v", query, got.Total, got.Truncated)
		}
		return got.Matched, strings.Join(all, " ")
	}
	for query, want := range map[string]string{
		"sort=principal&limit=4":              "40: 00 00 01 01",
		"sort=principal&dir=desc&limit=4":     "40: 19 19 18 18",
		"sort=principal&limit=3&offset=4":     "40: 02 02 03",
		"sort=principal&limit=3&offset=39":    "40: 19",
		"sort=principal&limit=3&offset=1000":  "40: ",
		"sort=session&dir=desc&limit=2":       "40: 19 19",
		"q=user-03":                           "2: 03 03",
		"q=USER-03":                           "2: 03 03",
		"q=00000039":                          "1: 19",
		"q=secret":                            "0: ",
		"status=finished":                     "1: 03",
		"health=evicting&sort=principal":      "3: 05 11 17",
		"health=unhealthy&sort=principal":     "3: 05 11 17",
		"health=healthy&limit=0":              "37: ",
		"health=evicting&q=user-05&limit=200": "1: 05",
	} {
		if matched, rows := table(query); fmt.Sprintf("%d: %s", matched, rows) != want {
			t.Errorf("%s: %d: %s, want %s", query, matched, rows, want)
		}
	}
	for sort := range columns {
		if matched, _ := table("sort=" + sort); matched != 40 {
			t.Errorf("by %s: %d", sort, matched)
		}
	}
	for _, bad := range []string{"sort=secret", "limit=201", "limit=-1", "offset=x", "health=ill", "q=" + strings.Repeat("x", 101)} {
		if w := ask(in, "GET", "/sessions.json?"+bad); w.Code != 400 {
			t.Errorf("%s: %d", bad, w.Code)
		}
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

// watch follows a feed until the test ends.
func watch(t *testing.T, in *Inspector, target string, header ...string) (p *pipe, done chan struct{}) {
	p, done = newPipe(t.Context()), make(chan struct{})
	r := httptest.NewRequestWithContext(p.ctx, "GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	go func() {
		defer close(done)
		in.ServeHTTP(p, r)
	}()
	t.Cleanup(func() {
		p.hangUp()
		<-done
	})
	return p, done
}

func TestTheOverviewIsLiveAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		in := newInspector(t, m)
		first, gone := watch(t, in, "/live")
		time.Sleep(10*time.Second + 1)
		synctest.Wait()
		equal(t, "samples in ten seconds", first.events(), 11)
		create(t, m, "one", "")
		time.Sleep(time.Second)
		synctest.Wait()
		newest := first.parsed.events[11]
		var sample overviewSample
		if err := json.Unmarshal([]byte(newest.Data), &sample); err != nil || sample.Active != 1 || newest.Type != "sample" {
			t.Errorf("%+v, %v", newest, err)
		}
		first.hangUp()
		<-gone
		time.Sleep(5 * time.Second)
		again, _ := watch(t, in, "/live", "Last-Event-ID", newest.LastEventID)
		synctest.Wait()
		equal(t, "samples that it missed", again.events(), 5)
		late, _ := watch(t, in, "/live")
		synctest.Wait()
		equal(t, "samples for who comes late", late.events(), 17)
	})
}

func TestTheOverviewAddsUpTheHandlers(t *testing.T) {
	m := newManager(t, shard.Config{})
	a, b := &Handler{Store: Local(m)}, &Handler{Store: Local(m)}
	ask(a, "GET", "/?session=unknown")
	ask(b, "DELETE", "/?session=unknown")
	ask(b, "PATCH", "/")
	in := &Inspector{Manager: m, Handlers: []*Handler{a, b}}
	equal(t, "refused", in.served().Refused, 3)
	if (&Inspector{Manager: m}).served() != nil {
		t.Error("something was served by nobody")
	}
}

func TestAFeedEndsWhenNobodyWatchesAndWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		in := newInspector(t, m)
		s := create(t, m, "a-session", "")
		feeds := func() int { return in.own.Stats().Active }

		overview, _ := watch(t, in, "/live")
		session, over := watch(t, in, "/live?s="+handleOf(in, s))
		time.Sleep(time.Hour)
		synctest.Wait()
		equal(t, "feeds while they are watched", feeds(), 2)
		s.Terminate()
		<-over
		equal(t, "the last event of a session that ends", session.parsed.events[session.events()-1].Type, "end")
		equal(t, "feeds then", feeds(), 1)
		overview.hangUp()
		time.Sleep(overviewLinger + 2*time.Second)
		synctest.Wait()
		equal(t, "feeds that nobody watches", feeds(), 0)
		if in.latest != nil {
			t.Error("a census is kept for nobody")
		}
	})
}

func TestCloseEndsTheFeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInspector(t, newManager(t, shard.Config{}))
		_, done := watch(t, in, "/live")
		time.Sleep(time.Second)
		in.Close()
		<-done
		if w := ask(in, "GET", "/live"); w.Code != 503 {
			t.Errorf("after Close: %d", w.Code)
		}
		in.Close()
	})
}

func TestTheSessionsAreGoneThroughOnceInTwoSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		in := newInspector(t, m)
		total := func() int { return fetch[shownTable](t, in, "/sessions.json").Total }
		equal(t, "sessions", total(), 0)
		create(t, m, "one", "")
		time.Sleep(censusAge - 1)
		equal(t, "a moment before", total(), 0)
		time.Sleep(time.Nanosecond)
		equal(t, "then", total(), 1)
	})
}

func TestARequestForTheTableThatNobodyWaitsForIsNotServed(t *testing.T) {
	in := newInspector(t, newManager(t, shard.Config{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	in.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/sessions.json", nil))
	equal(t, "bytes", w.Body.Len(), 0)
}

// One op is a request for a page of the table: a census and a sort of all sessions, of which the sorted third is shown.
func BenchmarkInspectorTable(b *testing.B) {
	m := newManager(b, shard.Config{MaxSessions: -1})
	for i := range 100_000 {
		s, err := m.Create(shard.Metadata{Principal: fmt.Sprintf("user-%d", i*7919%100_000)})
		if err != nil {
			b.Fatal(err)
		}
		s.Append(ring.Event{Data: []byte("x")})
	}
	in := newInspector(b, m)
	for name, census := range map[string]bool{"census": true, "sort": false} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if census {
					in.forget()
				}
				if w := ask(in, "GET", "/sessions.json?sort=principal&offset=30000"); w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

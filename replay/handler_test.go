package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// answer is what a request was answered with. Its client hangs up after the first flush, which has
// all that was ready.
type answer struct {
	*httptest.ResponseRecorder
	t      testing.TB
	hangUp func()
}

func (a *answer) Flush() {
	a.ResponseRecorder.Flush()
	a.hangUp()
}

func (a *answer) events() []received {
	a.t.Helper()
	if a.Code != 200 {
		a.t.Fatalf("status %d: %s", a.Code, a.Body)
	}
	return parse(a.Body.Bytes()).events
}

func get(t testing.TB, h *Handler, r *http.Request) *answer {
	t.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a := &answer{httptest.NewRecorder(), t, cancel}
	h.ServeHTTP(a, r.WithContext(ctx))
	return a
}

// request makes a request for a session; header is pairs of name and value.
func request(method, session string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "/", nil)
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// foreign is a Store of somebody else's: the Handler does not know it. Its errors, if set, are what
// the calls answer.
type foreign struct {
	Store
	infoErr, openErr, terminateErr error
}

func (f foreign) Info(ctx context.Context, id string) (shard.Info, error) {
	if f.infoErr != nil {
		return shard.Info{}, f.infoErr
	}
	return f.Store.Info(ctx, id)
}

func (f foreign) Open(ctx context.Context, id string, at Position) (Reader, error) {
	if f.openErr != nil {
		return nil, f.openErr
	}
	return f.Store.Open(ctx, id, at)
}

func (f foreign) Terminate(ctx context.Context, id string) error {
	if f.terminateErr != nil {
		return f.terminateErr
	}
	return f.Store.Terminate(ctx, id)
}

// onEachStore runs a test against Local and against a Store that the Handler knows by its interface
// only.
func onEachStore(t *testing.T, cfg shard.Config, test func(t *testing.T, m *shard.Manager, store Store)) {
	t.Run("Local", func(t *testing.T) { m := newManager(t, cfg); test(t, m, Local(m)) })
	t.Run("another Store", func(t *testing.T) { m := newManager(t, cfg); test(t, m, foreign{Store: Local(m)}) })
}

// occupy makes a session have an open stream, as far as an Exclusive Handler knows.
func occupy(t *testing.T, h *Handler, session string) {
	t.Helper()
	w := sse.NewWriter(&h.streams, httptest.NewRecorder(), request("GET", session), -1, func() {})
	if !h.streams.Enter(w) || !h.streams.TryTake(session, w) {
		t.Fatal("the session has a stream already")
	}
	t.Cleanup(func() { h.streams.Leave(w) })
}

func TestStreamBeginsWithHeadersCommentAndRetry(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	a := get(t, &Handler{Store: Local(m)}, request("GET", "s"))
	equal(t, "status", a.Code, 200)
	equal(t, "body", a.Body.String(), ":\nretry: 3000\nid: "+s.PositionID(0)+"\n\n")
	equal(t, "flushed", a.Flushed, true)
	for name, want := range map[string]string{
		"Content-Type":      "text/event-stream",
		"Cache-Control":     "no-cache, no-transform",
		"X-Accel-Buffering": "no",
	} {
		equal(t, name, a.Header().Get(name), want)
	}
}

func TestRetry(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "")
	for want, h := range map[int]*Handler{
		3000: {Store: Local(m)},
		1500: {Store: Local(m), Retry: 1500e6},
		-1:   {Store: Local(m), Retry: -1},
	} {
		equal(t, "retry", parse(get(t, h, request("GET", "s")).Body.Bytes()).retry, want)
	}
}

func TestStreamServesWhatWasMissed(t *testing.T) {
	onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
		s := create(t, m, "s", "")
		stored := fill(t, s, 5)
		last := add(t, s, "other:x")
		s.Append(ring.Event{ID: "own", Type: "token", Data: []byte("a\nb")})
		h := &Handler{Store: store}
		got := get(t, h, request("GET", "s", "Last-Event-ID", stored[3].ID)).events()
		want := []received{{stored[4].ID, "message", "5"}, {last.ID, "message", "x"}, {"own", "token", "a\nb"}}
		equal(t, "events", got, want)
		equal(t, "attached afterwards", m.Stats().Attached, 0)
	})
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name    string
		method  string
		session string
		header  []string
		want    int
	}{
		{"GET follows", "GET", "mine", nil, 200},
		{"HEAD is answered as GET", "HEAD", "mine", nil, 200},
		{"OPTIONS is not allowed", "OPTIONS", "mine", nil, 405},
		{"POST is not allowed", "POST", "mine", nil, 405},
		{"a foreign Origin", "GET", "mine", []string{"Origin", "http://evil.example"}, 403},
		{"its own Origin", "GET", "mine", []string{"Origin", "http://example.com"}, 200},
		{"Origin null", "GET", "mine", []string{"Origin", "null"}, 403},
		{"an Accept that excludes the stream", "GET", "mine", []string{"Accept", "application/json"}, 406},
		{"no session ID", "GET", "", nil, 400},
		{"a malformed Last-Event-ID", "GET", "mine", []string{"Last-Event-ID", "a\xff"}, 400},
		{"an unknown session", "GET", "unknown", nil, 404},
		{"a malformed session ID is unknown", "GET", strings.Repeat("x", 1000), nil, 404},
		{"a session that has ended", "GET", "ended", nil, 404},
		{"a session of another principal", "GET", "theirs", nil, 404},
		{"a session of nobody, asked for by somebody", "GET", "nobodys", nil, 404},
		{"an unknown event", "GET", "mine", []string{"Last-Event-ID", "unknown"}, 410},
		{"an evicted event", "GET", "mine", []string{"Last-Event-ID", "EVICTED"}, 410},
		{"another session's event", "GET", "mine", []string{"Last-Event-ID", "THEIRS"}, 410},
		{"a finished session that has events left", "GET", "finished", nil, 200},
		{"a finished session of which everything was read", "GET", "finished", []string{"Last-Event-ID", "LAST"}, 204},
		{"a finished session without any event", "GET", "empty", nil, 204},
		{"DELETE of a foreign Origin", "DELETE", "mine", []string{"Origin", "null"}, 403},
		{"DELETE whatever Accept", "DELETE", "mine", []string{"Accept", "application/json"}, 204},
		{"DELETE without session ID", "DELETE", "", nil, 400},
		{"DELETE of an unknown session", "DELETE", "unknown", nil, 404},
		{"DELETE of a session that has ended", "DELETE", "ended", nil, 404},
		{"DELETE of another principal's session", "DELETE", "theirs", nil, 404},
		{"DELETE of a finished session", "DELETE", "finished", nil, 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEachStore(t, shard.Config{Ring: ring.Config{MaxEvents: 2}},
				func(t *testing.T, m *shard.Manager, store Store) {
					ids := map[string]string{}
					mine := create(t, m, "mine", "me")
					ids["EVICTED"] = fill(t, mine, 4)[0].ID
					ids["THEIRS"] = add(t, create(t, m, "theirs", "them"), "x").ID
					create(t, m, "nobodys", "")
					finished := create(t, m, "finished", "me")
					ids["LAST"] = add(t, finished, "x").ID
					finished.Finish()
					create(t, m, "empty", "me").Finish()
					create(t, m, "ended", "me").Terminate()

					header := slices.Clone(c.header)
					for i, v := range header {
						if id, ok := ids[v]; ok {
							header[i] = id
						}
					}
					h := &Handler{Store: store, Principal: func(*http.Request) string { return "me" }}
					a := get(t, h, request(c.method, c.session, header...))
					equal(t, "status", a.Code, c.want)
					wantRefusalForm(t, a)
					_, err := m.Get(c.session)
					if c.method == "DELETE" && c.want == 204 {
						wantErr(t, err, shard.ErrNotFound)
					} else if strings.Contains("mine theirs nobodys finished empty", c.session) && c.session != "" {
						wantErr(t, err, nil)
					}
					equal(t, "attached afterwards", m.Stats().Attached, 0)
				})
		})
	}
}

// wantRefusalForm checks what all answers other than a stream have in common.
func wantRefusalForm(t *testing.T, a *answer) {
	t.Helper()
	switch {
	case a.Code == 200:
		return
	case a.Code == 204:
		equal(t, "body", a.Body.String(), "")
	default:
		equal(t, "Content-Type", a.Header().Get("Content-Type"), "text/plain; charset=utf-8")
		equal(t, "X-Content-Type-Options", a.Header().Get("X-Content-Type-Options"), "nosniff")
		if n := a.Body.Len(); n == 0 || n > 100 {
			t.Errorf("body %q", a.Body)
		}
	}
	equal(t, "Cache-Control", a.Header().Get("Cache-Control"), "no-store")
	allow := ""
	if a.Code == 405 {
		allow = "GET, HEAD, DELETE"
	}
	equal(t, "Allow", a.Header().Get("Allow"), allow)
}

// Each request has the fault of its row and of all rows after it; the row's own is the answer.
func TestPrecedence(t *testing.T) {
	order := []int{405, 403, 406, 400, 404, 409, 410, 204, 200}
	for from, want := range order {
		t.Run(fmt.Sprint(want), func(t *testing.T) {
			onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
				s := create(t, m, "s", "me")
				last := add(t, s, "x").ID
				s.Finish()
				h := &Handler{Store: store, Exclusive: true, Keep: KeepFirst,
					Principal: func(r *http.Request) string { return r.Header.Get("Principal") }}
				r := request("GET", "s", "Principal", "me")
				for _, fault := range order[from:] {
					switch fault {
					case 405:
						r.Method = "POST"
					case 403:
						r.Header.Set("Origin", "null")
					case 406:
						r.Header.Set("Accept", "text/html")
					case 400:
						r.Header.Set("Last-Event-ID", "a\xff")
					case 404:
						r.Header.Set("Principal", "them")
					case 409:
						occupy(t, h, "s")
					case 410, 204:
						if r.Header.Get("Last-Event-ID") == "" {
							r.Header.Set("Last-Event-ID", map[int]string{410: "unknown", 204: last}[fault])
						}
					}
				}
				equal(t, "status", get(t, h, r).Code, want)
			})
		})
	}
}

// What must not be told apart: unknown, ended, and another principal's, whether or not it has a
// stream, an event of that ID or is finished.
func TestForeignSessionsLookUnknown(t *testing.T) {
	onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
		theirs := create(t, m, "theirs", "them")
		id := add(t, theirs, "secret").ID
		finished := create(t, m, "finished", "them")
		finished.Finish()
		create(t, m, "ended", "me").Terminate()
		h := &Handler{Store: store, Exclusive: true, Keep: KeepFirst,
			Principal: func(r *http.Request) string { return r.Header.Get("Principal") }}
		occupy(t, h, "theirs")
		for _, method := range []string{"GET", "DELETE"} {
			unknown := get(t, h, request(method, "unknown", "Principal", "me"))
			for _, session := range []string{"theirs", "finished", "ended"} {
				for _, principal := range []string{"me", "", "the", "themm"} {
					for _, last := range []string{"", id, "unknown"} {
						if session == "ended" && principal != "me" {
							continue
						}
						a := get(t, h, request(method, session, "Principal", principal, "Last-Event-ID", last))
						if a.Code != 404 || a.Body.String() != unknown.Body.String() ||
							!maps.EqualFunc(a.Header(), unknown.Header(), slices.Equal) {
							t.Errorf("%s %s by %q after %q: %d %q %v, want %d %q %v", method, session, principal, last,
								a.Code, a.Body, a.Header(), unknown.Code, unknown.Body, unknown.Header())
						}
					}
				}
			}
		}
		wantErr(t, theirs.Err(), nil)
		equal(t, "attached", m.Stats().Attached, 0)
	})
}

func TestWithoutPrincipalOnlySessionsOfNobodyAreServed(t *testing.T) {
	onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
		create(t, m, "theirs", "them")
		create(t, m, "nobodys", "")
		h := &Handler{Store: store}
		equal(t, "theirs", get(t, h, request("GET", "theirs")).Code, 404)
		equal(t, "nobody's", get(t, h, request("GET", "nobodys")).Code, 200)
	})
}

func TestDeleteTerminatesOnce(t *testing.T) {
	onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
		create(t, m, "s", "")
		h := &Handler{Store: store}
		equal(t, "first", get(t, h, request("DELETE", "s")).Code, 204)
		equal(t, "second", get(t, h, request("DELETE", "s")).Code, 404)
		equal(t, "GET", get(t, h, request("GET", "s")).Code, 404)
	})
}

func TestRefusalsReflectNothing(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "")
	h := &Handler{Store: Local(m), Principal: func(*http.Request) string { return "" }}
	const evil = "<script>alert(1)</script>"
	for _, r := range []*http.Request{
		request("GET", evil), request("GET", "s", "Last-Event-ID", evil), request("GET", "s", "Origin", evil),
		request("GET", "s", "Accept", evil), request("GET", "s", "Last-Event-ID", evil+"\xff"),
		request("DELETE", evil), request(evil[1:7], "s"),
	} {
		a := get(t, h, r)
		if a.Code < 400 || strings.Contains(a.Body.String(), "script") ||
			strings.Contains(fmt.Sprint(a.Header()), "script") {
			t.Errorf("%d %q %v", a.Code, a.Body, a.Header())
		}
	}
}

func TestFailingStoreIs503(t *testing.T) {
	broken := errors.New("connection to the store refused: secret details")
	m := newManager(t, shard.Config{MaxAttached: 1})
	create(t, m, "s", "")
	closed := newManager(t, shard.Config{})
	create(t, closed, "s", "")
	closed.Close()
	for _, c := range []struct {
		name   string
		store  Store
		method string
	}{
		{"Info", foreign{Store: Local(m), infoErr: broken}, "GET"},
		{"Open", foreign{Store: Local(m), openErr: broken}, "GET"},
		{"Info for DELETE", foreign{Store: Local(m), infoErr: broken}, "DELETE"},
		{"Terminate", foreign{Store: Local(m), terminateErr: broken}, "DELETE"},
		{"a closed Manager", Local(closed), "GET"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			h := &Handler{Store: c.store, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			a := get(t, h, request(c.method, "s"))
			equal(t, "status", a.Code, 503)
			wantRefusalForm(t, a)
			if strings.Contains(a.Body.String(), "secret") {
				t.Errorf("body tells %q", a.Body)
			}
			if !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("log %q", &log)
			}

			h.Logger, h.RetryOnError = nil, true
			a = get(t, h, request(c.method, "s"))
			if c.method == "DELETE" {
				equal(t, "status", a.Code, 503)
				return
			}
			equal(t, "status with RetryOnError", a.Code, 200)
			equal(t, "Content-Type", a.Header().Get("Content-Type"), "text/event-stream")
			equal(t, "body", a.Body.String(), ":\nretry: 3000\n")
		})
	}
	t.Run("MaxAttached", func(t *testing.T) {
		r := must(Local(m).Open(t.Context(), "s", Position{}))
		defer r.Close()
		equal(t, "status", get(t, &Handler{Store: Local(m)}, request("GET", "s")).Code, 429)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestRetryOnErrorLeavesRefusalsAlone(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	h := &Handler{Store: Local(m), RetryOnError: true}
	equal(t, "unknown session", get(t, h, request("GET", "unknown")).Code, 404)
	equal(t, "unknown event", get(t, h, request("GET", "s", "Last-Event-ID", "x")).Code, 410)
	s.Finish()
	equal(t, "finished", get(t, h, request("GET", "s")).Code, 204)
}

func TestHandlerWithoutStore(t *testing.T) {
	for _, method := range []string{"GET", "DELETE"} {
		a := get(t, new(Handler), request(method, "s"))
		equal(t, "status", a.Code, 500)
		equal(t, "body", a.Body.String(), "replay.Handler has no Store\n")
	}
	new(Handler).Close()
}

// deaf is a ResponseWriter that cannot flush.
type deaf struct{ http.ResponseWriter }

// wrapped is one that can, further down.
type wrapped struct{ deaf }

func (w wrapped) Unwrap() http.ResponseWriter { return w.deaf.ResponseWriter }

func TestResponseWriterMustFlush(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	add(t, s, "1")
	h := &Handler{Store: Local(m)}
	w := httptest.NewRecorder()
	h.ServeHTTP(deaf{w}, request("GET", "s"))
	equal(t, "status", w.Code, 500)
	equal(t, "Content-Type", w.Header().Get("Content-Type"), "text/plain; charset=utf-8")
	equal(t, "attached", m.Stats().Attached, 0)

	h.ServeHTTP(deaf{w}, request("DELETE", "unknown")) // no stream, no need

	ctx, cancel := context.WithCancel(t.Context())
	a := &answer{httptest.NewRecorder(), t, cancel}
	h.ServeHTTP(wrapped{deaf{a}}, request("GET", "s").WithContext(ctx))
	equal(t, "events through Unwrap", len(a.events()), 1)
}

func TestClosedHandler(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "")
	h := &Handler{Store: Local(m)}
	h.Close()
	h.Close()
	equal(t, "GET", get(t, h, request("GET", "s")).Code, 503)
	equal(t, "GET of an unknown session", get(t, h, request("GET", "unknown")).Code, 404)
	h.RetryOnError = true
	a := get(t, h, request("GET", "s"))
	equal(t, "GET with RetryOnError", a.Code, 200)
	equal(t, "retry", parse(a.Body.Bytes()).retry, 3000)
	equal(t, "DELETE", get(t, h, request("DELETE", "s")).Code, 204)
}

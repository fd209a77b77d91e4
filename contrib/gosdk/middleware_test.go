package gosdk

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestNewSessionIDMintsDistinctUUIDs(t *testing.T) {
	uuid4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := NewSessionID()
		if !uuid4.MatchString(id) || seen[id] {
			t.Fatalf("NewSessionID() = %q, seen before: %v", id, seen[id])
		}
		seen[id] = true
	}
}

// user is the Principal of these tests.
func user(r *http.Request) string { return r.Header.Get("X-User") }

func request(session, principal string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/mcp", nil)
	if session != "" {
		r.Header.Set(mcphttp.SessionID, session)
	}
	if principal != "" {
		r.Header.Set("X-User", principal)
	}
	return r
}

// serve returns what the middleware answers; the handler behind it answers 299.
func serve(store replay.Store, opts Options, r *http.Request) *httptest.ResponseRecorder {
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(299) })
	w := httptest.NewRecorder()
	Middleware(store, next, opts).ServeHTTP(w, r)
	return w
}

func TestMiddlewareAdmitsLivingSessionsOfTheirPrincipal(t *testing.T) {
	m := newManager(t, shard.Config{})
	store := replay.Local(m)
	for id, principal := range map[string]string{"of-alice": "alice", "of-nobody": "", "ended": "alice"} {
		if _, err := m.CreateWithID(id, shard.Metadata{Principal: principal}); err != nil {
			t.Fatal(err)
		}
	}
	m.Terminate("ended")
	for _, c := range []struct {
		session, principal string
		want               int
	}{
		{"of-alice", "alice", 299},
		{"of-alice", "bob", 404},
		{"of-alice", "", 404},
		{"of-nobody", "", 299},
		{"of-nobody", "alice", 404},
		{"ended", "alice", 404},
		{"unknown", "alice", 404},
		{"not a session ID", "alice", 404},
		{"", "alice", 299},
		{"", "", 299},
	} {
		w := serve(store, Options{Principal: user}, request(c.session, c.principal))
		if w.Code != c.want {
			t.Errorf("session %q, principal %q: %d, want %d", c.session, c.principal, w.Code, c.want)
		}
		if w.Code == 404 && w.Body.String() != "session not found\n" {
			t.Errorf("session %q, principal %q: the body tells %q", c.session, c.principal, w.Body)
		}
	}
	if attached := m.Stats().Attached; attached != 0 {
		t.Errorf("%d requests are still attached", attached)
	}
}

func TestMiddlewareAnswers503WhenTheStoreCannotTell(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	h.info = func(context.Context, string) (shard.Info, error) { return shard.Info{}, errors.New("no connection") }
	if w := serve(h, Options{}, request("S", "")); w.Code != 503 {
		t.Fatalf("status %d", w.Code)
	}
}

func TestMiddlewareRefusesMoreStreamsThanMaxAttached(t *testing.T) {
	m := newManager(t, shard.Config{MaxAttached: 1})
	if _, err := m.CreateWithID("S", shard.Metadata{}); err != nil {
		t.Fatal(err)
	}
	store := replay.Local(m)
	inner := 0
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		inner = serve(store, Options{}, request("S", "")).Code
	})
	Middleware(store, next, Options{}).ServeHTTP(httptest.NewRecorder(), request("S", ""))
	if inner != 429 {
		t.Fatalf("a second request at once: %d", inner)
	}
	if w := serve(store, Options{}, request("S", "")); w.Code != 299 {
		t.Fatalf("one after the other: %d", w.Code)
	}
}

func TestARequestInProgressHoldsExpiryOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		store := replay.Local(m)
		if _, err := m.CreateWithID("S", shard.Metadata{}); err != nil {
			t.Fatal(err)
		}
		hang := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) })
		Middleware(store, hang, Options{}).ServeHTTP(httptest.NewRecorder(), request("S", ""))
		if w := serve(store, Options{}, request("S", "")); w.Code != 299 {
			t.Fatalf("after an hour of a hanging request: %d", w.Code)
		}
		time.Sleep(2 * time.Minute)
		if w := serve(store, Options{}, request("S", "")); w.Code != 404 {
			t.Fatalf("two minutes after it: %d", w.Code)
		}
	})
}

func TestTheSessionBelongsToThePrincipalOfTheRequestThatBeginsIt(t *testing.T) {
	m := newManager(t, shard.Config{})
	store := replay.Local(m)
	es := New(store)
	begin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := es.Open(r.Context(), "S", ""); err != nil {
			t.Error(err)
		}
	})
	Middleware(store, begin, Options{Principal: user}).ServeHTTP(httptest.NewRecorder(), request("", "alice"))
	if info, err := m.Info("S"); err != nil || info.Principal != "alice" {
		t.Fatalf("principal %q, %v", info.Principal, err)
	}
}

func TestASessionMadeForSomebodyElseIsNotTaken(t *testing.T) {
	m := newManager(t, shard.Config{})
	store := replay.Local(m)
	es := New(store)
	if _, err := m.CreateWithID("S", shard.Metadata{Principal: "alice"}); err != nil {
		t.Fatal(err)
	}
	begin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := es.Open(r.Context(), "S", ""); !errors.Is(err, shard.ErrPrincipal) {
			t.Errorf("Open for bob: %v", err)
		}
	})
	Middleware(store, begin, Options{Principal: user}).ServeHTTP(httptest.NewRecorder(), request("", "bob"))
}

func TestRetryIsToldAtTheBeginningOfAnEventStreamOnly(t *testing.T) {
	store := replay.Local(newManager(t, shard.Config{}))
	for _, c := range []struct {
		contentType string
		retry       time.Duration
		want        string
	}{
		{"text/event-stream", 250 * time.Millisecond, "retry: 250\none two"},
		{"text/event-stream; charset=utf-8", time.Second, "retry: 1000\none two"},
		{"text/event-stream", 0, "one two"},
		{"text/event-stream", -time.Second, "one two"},
		{"application/json", time.Second, "one two"},
	} {
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			w.Write([]byte("one "))
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("Flush: %v", err)
			}
			w.Write([]byte("two"))
		})
		w := httptest.NewRecorder()
		Middleware(store, next, Options{Retry: c.retry}).ServeHTTP(w, request("", ""))
		if got := w.Body.String(); got != c.want || !w.Flushed {
			t.Errorf("%s, retry %v: %q, flushed %v, want %q", c.contentType, c.retry, got, w.Flushed, c.want)
		}
	}
}

package mcpgo

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// newGuarded starts a server behind the Middleware.
func newGuarded(t *testing.T, work func(func(int)), opts Options) (*backend, *Endpoint) {
	t.Helper()
	var e *Endpoint
	store := replay.Local(newManager(t, shard.Config{}))
	b := newBackend(t, store, work, func(next http.Handler) http.Handler {
		e = Middleware(store, next, opts)
		return e
	})
	return b, e
}

func TestAListeningStreamBehindTheMiddlewareLosesNothingInTenCuts(t *testing.T) {
	b, e := newGuarded(t, countTo(0), Options{Retry: 20 * time.Millisecond})
	p := proxy.New(t, b.addr)
	session := begin(t, p.URL())
	l := listen(request(t, http.MethodGet, p.URL(), session, "", ""))
	n := 0
	for range 10 {
		b.notify(t, session, n, n+5)
		l.want(t, n, n+5)
		p.Cut()
		b.notify(t, session, n+5, n+10) // while nobody listens
		last := l.last
		l = listen(request(t, http.MethodGet, p.URL(), session, last, ""))
		if e, ok := l.next(); !ok || e.id != last || e.data != "" {
			t.Fatalf("the stream begins with %+v, want its place", e)
		}
		l.want(t, n+5, n+10)
		n += 10
	}
	if st := e.Stats(); st.Streams < 11 || st.Bytes == 0 {
		t.Errorf("%+v", st)
	}
}

func TestAHeaderThatComesTwiceCountsAsItsLast(t *testing.T) {
	b, _ := newGuarded(t, countTo(0), Options{})
	session := begin(t, b.url)
	l := listen(request(t, http.MethodGet, b.url, session, "", ""))
	b.notify(t, session, 0, 3)
	l.want(t, 0, 1)
	first := l.last
	l.want(t, 1, 2)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header[mcphttp.LastEventID] = []string{first, l.last}
	r.Header[mcphttp.ProtocolVersion] = []string{"1999-01-01", version}
	r.Header[mcphttp.SessionID] = []string{"nobody", session}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	again := listen(resp)
	if e, ok := again.next(); !ok || e.id != l.last {
		t.Fatalf("the stream begins with %+v, want %q", e, l.last)
	}
	again.want(t, 2, 3)
}

func TestAListeningStreamHoldsExpiryOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := m.CreateWithID("S", shard.Metadata{}); err != nil {
			t.Fatal(err)
		}
		hang := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write([]byte("data: 1\n\n"))
			time.Sleep(time.Hour)
		})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(mcphttp.SessionID, "S")
		w := httptest.NewRecorder()
		Middleware(replay.Local(m), hang, Options{KeepAlive: 25 * time.Minute}).ServeHTTP(w, r)
		if info, err := m.Info("S"); err != nil || info.Status != shard.Active || info.Attached != 0 {
			t.Errorf("%+v, %v", info, err)
		}
		if got := w.Body.String(); got != "data: 1\n\n:\n:\n" {
			t.Errorf("%q", got)
		}
	})
}

func TestCloseEndsTheStreamsOfGETsAndLetsCallsFinish(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	b, e := newGuarded(t, func(func(int)) { close(begun); <-goOn }, Options{})
	session := begin(t, b.url)
	listening := listen(request(t, http.MethodGet, b.url, session, "", ""))
	called := make(chan int, 1)
	go func() { called <- status(t, http.MethodPost, b.url, session, "", callTool) }()
	testkit.Await(t, "the call has begun", begun)
	e.Close()
	if ev, ok := listening.next(); ok {
		t.Errorf("the listening stream goes on with %+v", ev)
	}
	if got := status(t, http.MethodGet, b.url, session, "", ""); got != http.StatusServiceUnavailable {
		t.Errorf("a GET afterwards: %d", got)
	}
	close(goOn)
	if got := testkit.Await(t, "the call is answered", called); got != http.StatusOK {
		t.Errorf("the call: %d", got)
	}
}

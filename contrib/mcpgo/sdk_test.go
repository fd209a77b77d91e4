package mcpgo

import (
	"context"
	"net/http"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// countTo is a tool that sends progress 0 to n-1.
func countTo(n int) func(progress func(int)) {
	return func(progress func(int)) {
		for i := range n {
			progress(i)
		}
	}
}

func (b *backend) notify(t *testing.T, session string, first, end int) {
	t.Helper()
	for i := first; i < end; i++ {
		err := b.mcp.SendNotificationToSpecificClient(
			session,
			"notifications/progress",
			map[string]any{"progress": i, "progressToken": "p"},
		)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAListeningStreamLosesNothingInTenCuts(t *testing.T) {
	const each = 25
	b := newBackend(t, replay.Local(newManager(t, shard.Config{})), countTo(0), nil)
	p := proxy.New(t, b.addr)
	session := begin(t, p.URL())
	l := listen(request(t, http.MethodGet, p.URL(), session, "", ""))
	n := 0
	for range 10 {
		b.notify(t, session, n, n+each)
		l.want(t, n, n+each)
		p.Cut()
		b.notify(t, session, n+each, n+2*each) // while nobody listens
		last := l.last
		l = listen(request(t, http.MethodGet, p.URL(), session, last, ""))
		l.want(t, n+each, n+2*each)
		n += 2 * each
	}
}

func TestASessionGoesFromInitializeToDeleteWithTheStatusesOfTheSpecification(t *testing.T) {
	m := newManager(t, shard.Config{})
	b := newBackend(t, replay.Local(m), countTo(3), nil)
	session := begin(t, b.url)
	want := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	want("a request before the first event", status(t, "POST", b.url, session, "", ping), 200)
	wantNoSession(t, replay.Local(m), session)
	l := listen(request(t, "POST", b.url, session, "", callTool))
	l.want(t, 0, 1)
	first := l.last
	l.want(t, 1, 3)
	l.wantResult(t)
	want("a request after it", status(t, "POST", b.url, session, "", ping), 200)
	again := listen(request(t, "GET", b.url, session, first, ""))
	again.want(t, 1, 3)
	again.wantResult(t)
	want("an event that never was", status(t, "GET", b.url, session, "never", ""), 400)

	other := begin(t, b.url)
	want("another session's event", status(t, "GET", b.url, other, first, ""), 400)
	want("a request of no session", status(t, "POST", b.url, "", "", ping), 404)
	want("a request of a foreign one", status(t, "POST", b.url, "foreign", "", ping), 404)

	for range 2 {
		want("DELETE", status(t, "DELETE", b.url, session, "", ""), 200)
		want("a request afterwards", status(t, "POST", b.url, session, "", ping), 404)
		want("a resumption afterwards", status(t, "GET", b.url, session, first, ""), 400)
	}
	want("DELETE of a foreign session", status(t, "DELETE", b.url, "foreign", "", ""), 500)
	if info, err := m.Info(session); err != nil || info.Status != shard.Terminated {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestASessionThatEndsInTheStoreIsNotFound(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	b := newBackend(t, replay.Local(m), countTo(3), nil)
	session := begin(t, b.url)
	l := listen(request(t, "POST", b.url, session, "", callTool))
	l.want(t, 0, 3)
	m.Terminate(session)
	if got := status(t, "POST", b.url, session, "", ping); got != 404 {
		t.Errorf("a request: %d", got)
	}
	if got := status(t, "GET", b.url, session, l.last, ""); got != 400 {
		t.Errorf("a resumption: %d", got)
	}
}

func TestAnEvictedEventIsABadRequestAndAFailingStoreAServerError(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, retaining(3)))}
	b := newBackend(t, h, countTo(20), nil)
	session := begin(t, b.url)
	l := listen(request(t, "POST", b.url, session, "", callTool))
	l.want(t, 0, 1)
	first := l.last
	l.want(t, 1, 20)
	l.wantResult(t)
	if got := status(t, "GET", b.url, session, first, ""); got != 400 {
		t.Errorf("an evicted event: %d", got)
	}
	h.open = func(context.Context, string, replay.Position) (replay.Reader, error) { return nil, errDown }
	if got := status(t, "GET", b.url, session, l.last, ""); got != 500 {
		t.Errorf("a failing store: %d", got)
	}
}

func TestARefusedMessageIsStillDelivered(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	h.append = func(context.Context, string, ring.Event) (ring.Event, error) { return ring.Event{}, errDown }
	b := newBackend(t, h, countTo(3), nil)
	l := listen(request(t, "POST", b.url, begin(t, b.url), "", callTool))
	for range 4 {
		if e, ok := l.next(); !ok || e.id != "" || e.data == "" {
			t.Fatalf("%+v, %v", e, ok)
		}
	}
}

func TestAnEndedSessionsListeningStreamStoresNothing(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	b := newBackend(t, replay.Local(m), countTo(0), nil)
	session := begin(t, b.url)
	if got := status(t, "DELETE", b.url, session, "", ""); got != 200 {
		t.Fatal(got)
	}
	l := listen(request(t, http.MethodGet, b.url, session, "", "")) // the SDK validates no GET
	b.notify(t, session, 0, 1)
	if e, ok := l.next(); !ok || e.id != "" {
		t.Fatalf("%+v, %v", e, ok)
	}
	wantNoSession(t, replay.Local(m), session)
}

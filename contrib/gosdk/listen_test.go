package gosdk

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// notify sends a progress notification that answers nothing to a session.
func notify(t *testing.T, b *backend, session string, progress int, message string) {
	t.Helper()
	for s := range b.server.Sessions() {
		if s.ID() == session {
			s.NotifyProgress(
				context.Background(),
				&mcp.ProgressNotificationParams{ProgressToken: "p", Progress: float64(progress), Message: message},
			)
			return
		}
	}
	t.Fatalf("session %s is not there", session)
}

// wire reads an event stream off the wire.
type wire struct {
	resp  *http.Response
	lines *bufio.Scanner
}

// listen opens a listening stream, or resumes one.
func listen(t *testing.T, b *backend, session, version, lastEventID string) *wire {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(mcphttp.ProtocolVersion, version)
	if lastEventID != "" {
		r.Header.Set(mcphttp.LastEventID, lastEventID)
	}
	resp := do(t, r, session, "")
	if resp.StatusCode != 200 {
		t.Fatalf("GET after %q: %d %s", lastEventID, resp.StatusCode, body(t, resp))
	}
	return newWire(resp)
}

func newWire(resp *http.Response) *wire {
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 32<<20)
	return &wire{resp, lines}
}

// next returns the ID and the data of the next event with an ID.
func (w *wire) next(t *testing.T) (id, data string) {
	t.Helper()
	for w.lines.Scan() {
		line := w.lines.Text()
		if v, ok := strings.CutPrefix(line, "id: "); ok {
			id = v
		} else if v, ok := strings.CutPrefix(line, "data: "); ok && id != "" {
			return id, v
		}
	}
	t.Fatalf("the stream ended: %v", w.lines.Err())
	return "", ""
}

func (w *wire) want(t *testing.T, wantID, wantData string) {
	t.Helper()
	id, data := w.next(t)
	if id != wantID || wantData == "" && data != "" || !strings.Contains(data, wantData) {
		t.Fatalf("event %q: %.200s, want %q: %s", id, data, wantID, wantData)
	}
}

func TestAListeningGETAlwaysOpensAndBeginsAtThePresent(t *testing.T) {
	for name, c := range map[string]struct {
		cfg    shard.Config
		before func(t *testing.T, b *backend, session string) // what happens before; uses up two indices
	}{
		"after the eviction of the first event": {shard.Config{}, func(t *testing.T, b *backend, session string) {
			notify(t, b, session, 1, "")
			notify(t, b, session, 2, "")
			for range 510 {
				call(t, b, session, "", 0)
			}
		}},
		"after the refusal of the first event": {shard.Config{Ring: ring.Config{MaxEventBytes: 1000}},
			func(t *testing.T, b *backend, session string) {
				notify(t, b, session, 1, strings.Repeat("x", 1000))
				notify(t, b, session, 2, "")
			}},
		"after another one": {shard.Config{}, func(t *testing.T, b *backend, session string) {
			listen(t, b, session, "2025-11-25", "").want(t, "_0", "")
			notify(t, b, session, 1, "")
			notify(t, b, session, 2, "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, c.cfg, mcp.StreamableHTTPOptions{}, nil)
			session := begin(t, b, "")
			c.before(t, b, session)
			w := listen(t, b, session, "2025-11-25", "")
			w.want(t, "_2", "") // its place
			notify(t, b, session, 3, "")
			w.want(t, "_3", `"progress":3`)
			notify(t, b, session, 4, "")
			w.want(t, "_4", `"progress":4`)

			again := listen(t, b, session, "2025-11-25", "_3") // the numbers are those of the Store
			again.want(t, "_3", "")
			again.want(t, "_4", `"progress":4`)
			older := listen(t, b, session, "2025-06-18", "") // is not told its place
			notify(t, b, session, 5, "")
			older.want(t, "_5", `"progress":5`)
		})
	}
}

func TestTheFirstListenerGetsWhatHasWaitedForIt(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	session := begin(t, b, "")
	notify(t, b, session, 1, "")
	notify(t, b, session, 2, "")
	w := listen(t, b, session, "2025-11-25", "")
	w.want(t, "_0", "")
	w.want(t, "_1", `"progress":1`)
	w.want(t, "_2", `"progress":2`)
}

func TestAListeningGETOpensThoughEventsAreDroppedMeanwhile(t *testing.T) {
	b := newBackend(t, retaining(2), mcp.StreamableHTTPOptions{}, nil)
	session := begin(t, b, "")
	notify(t, b, session, 1, "")
	x := &exchange{listens: true}
	index, ok := b.store.listen(t.Context(), session)
	if !ok {
		t.Fatal("the session is not known")
	}
	for i := range 5 {
		notify(t, b, session, i, "")
	}
	got, err := after(withExchange(t.Context(), x), b.store, session, "", int(index))
	if err != nil || len(got) != 5 && len(got) != 6 {
		t.Fatalf("after %d: %q, %v", index, got, err)
	}
	for _, message := range got {
		if !strings.Contains(message, "notifications/message") {
			t.Errorf("%s", message)
		}
	}
}

func TestTheSDKsClientLosesNoNotificationWhenItIsCutBeforeTheFirst(t *testing.T) {
	const cuts = 5
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	p := proxy.New(t, b.addr)
	seen := make(chan float64, 100)
	session := connect(t, "http://"+p.Addr(), func(progress float64) { seen <- progress })
	for i := range cuts {
		p.Cut() // the listening stream has had no event since the last cut, the first time none at all
		notify(t, b, session.ID(), i, "")
		if got := <-seen; got != float64(i) {
			t.Fatalf("notification %v, want %d", got, i)
		}
	}
	if st := b.endpoint.Stats(); st.Resumed < cuts {
		t.Errorf("%+v", st)
	}
}

func TestRefusedNotificationsCostTheSDKsClientNothingElse(t *testing.T) {
	b := newBackend(t, shard.Config{Ring: ring.Config{MaxEventBytes: 1000}}, mcp.StreamableHTTPOptions{}, nil)
	p := proxy.New(t, b.addr)
	seen, logged := make(chan float64, 100), make(chan any, 100)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context,
			r *mcp.ProgressNotificationClientRequest) {
			seen <- r.Params.Progress
		},
		//lint:ignore SA1019 clients of the protocol versions that have sessions have it
		LoggingMessageHandler: func(_ context.Context, r *mcp.LoggingMessageRequest) { logged <- r.Params.Data },
	})
	gate := newGate()
	defer gate.next.CloseIdleConnections()
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint: "http://" + p.Addr(), HTTPClient: &http.Client{Transport: gate}, MaxRetries: 100}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	notify(t, b, session.ID(), 0, "")
	<-seen
	gate.shut()
	p.Cut()
	gate.waitFor(1) // the client has noticed
	notify(t, b, session.ID(), 1, strings.Repeat("x", 1000))
	for i := range 10 {
		notify(t, b, session.ID(), 2+i, "")
	}
	gate.open()
	for i := range 10 {
		if got := <-seen; got != float64(2+i) {
			t.Fatalf("notification %v, want %d", got, 2+i)
		}
	}
	if got := <-logged; !strings.Contains(fmt.Sprint(got), "notifications/progress was lost") {
		t.Errorf("the log message says %v", got)
	}
	if n := b.store.Stats().Refused; n != 1 {
		t.Errorf("%d refused", n)
	}
	if err := count(t.Context(), session, 1); err != nil {
		t.Error(err)
	}
}

// A gate is a client's way to the server on which GETs wait while it is shut.
type gate struct {
	next    *http.Transport
	state   chan chan struct{} // holds what is closed when GETs may pass
	waiting chan struct{}
}

func newGate() *gate {
	g := &gate{next: &http.Transport{}, state: make(chan chan struct{}, 1), waiting: make(chan struct{}, 1000)}
	open := make(chan struct{})
	close(open)
	g.state <- open
	return g
}

func (g *gate) shut() { <-g.state; g.state <- make(chan struct{}) }
func (g *gate) open() { open := <-g.state; close(open); g.state <- open }

func (g *gate) waitFor(n int) {
	for range n {
		<-g.waiting
	}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		open := <-g.state
		g.state <- open
		select {
		case <-open:
		default:
			g.waiting <- struct{}{}
			select {
			case <-open:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
	}
	return g.next.RoundTrip(r)
}

package interop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestEventsAreThroughABufferingProxyWithin200ms(t *testing.T) {
	const events, limit = 100, 200 * time.Millisecond
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	n := newNginx(t, newSite(t, replay.Local(m)).addr)
	arrivals, hangUp := follow(t, n.client, "http://nginx/events?session=s", "")
	defer hangUp()
	took := make([]time.Duration, events)
	for i := range took {
		began := time.Now()
		add(t, s, ring.Event{Data: fmt.Append(nil, i)})
		took[i] = next(t, arrivals).at.Sub(began)
	}
	slices.Sort(took)
	// A busy machine may hold up one or the other; a proxy that buffers holds up all.
	if most := took[events*95/100]; most > limit {
		t.Errorf("of %d events, 95%% took up to %v, want %v; the slowest %v", events, most, limit, took[events-1])
	}
	t.Logf("median %v, 95%% %v, slowest %v", took[events/2], took[events*95/100], took[events-1])
}

// What the test above shows is due to the Handler's header: without it this nginx does buffer.
func TestTheProxyHoldsBackAStreamThatDoesNotAskOtherwise(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	h := &replay.Handler{Store: replay.Local(m)}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(unasking{w}, r) }),
	}
	n := newNginx(t, listenAndServe(t, server, h.Close))

	var arrivals <-chan arrival
	var hangUp func()
	var err error
	opened := make(chan struct{})
	go func() { // even the header does not come before there is something to hand on
		defer close(opened)
		arrivals, hangUp, err = tryFollow(t.Context(), n.client, "http://nginx/?session=s", "")
	}()
	testkit.Eventually(t, "the stream is open", func() bool { return m.Stats().Attached == 1 })
	e := add(t, s, ring.Event{Data: []byte("held back")})
	timer := time.NewTimer(400 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-opened:
		t.Error("nginx does not buffer: the other tests show nothing")
	case <-timer.C:
	}
	s.Finish()
	testkit.Await(t, "the end of the stream, which brings everything", opened)
	defer hangUp()
	if err != nil {
		t.Fatal(err)
	}
	want(t, arrivals, e)
}

// unasking takes the Handler's word to proxies away.
type unasking struct{ http.ResponseWriter }

func (w unasking) Write(p []byte) (int, error) {
	w.Header().Del("X-Accel-Buffering")
	return w.ResponseWriter.Write(p)
}

func (w unasking) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestAStreamResumesThroughAProxy(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	backend := newSite(t, replay.Local(m)).addr
	n := newNginx(t, backend)
	var last string
	for range 10 {
		before := fill(t, s, 5)
		arrivals, hangUp := follow(t, n.client, "http://nginx/events?session=s", last)
		live := fill(t, s, 5)
		want(t, arrivals, append(before, live...)...)
		last = live[len(live)-1].ID
		hangUp()
	}
	testkit.Eventually(
		t,
		"the proxy lets go of streams whose clients have gone",
		func() bool { return m.Stats().Attached == 0 },
	)

	arrivals, hangUp := follow(t, n.client, "http://nginx/events?session=s", last)
	defer hangUp()
	n.stop(t)
	for range arrivals {
		t.Error("an event that was not stored")
	}
	missed := fill(t, s, 5)
	arrivals, hangUp = follow(t, newNginx(t, backend).client, "http://nginx/events?session=s", last)
	defer hangUp()
	want(t, arrivals, missed...)
}

func TestAProxyHandsOnWhatTheHandlerSays(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	id := fill(t, s, 1)[0].ID
	n := newNginx(t, newSite(t, replay.Local(m)).addr)
	s.Finish()
	for query, status := range map[string]int{
		"session=s&last_event_id=" + id: http.StatusNoContent,
		"session=s&last_event_id=none":  http.StatusGone,
		"session=none":                  http.StatusNotFound,
		"":                              http.StatusBadRequest,
	} {
		resp, err := n.client.Get("http://nginx/events?" + query)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%q: status %d, want %d", query, resp.StatusCode, status)
		}
	}
}

// The SDK does not ask proxies not to buffer; Middleware does.
func TestMCPNotificationsAreThroughABufferingProxyAtOnce(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	seen := make(chan struct{})
	mcp.AddTool(
		b.server,
		&mcp.Tool{Name: "talk"},
		func(ctx context.Context, r *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			note := &mcp.ProgressNotificationParams{ProgressToken: "p", Progress: 1, Message: "hello"}
			err := r.Session.NotifyProgress(ctx, note)
			timer := time.NewTimer(2 * time.Second)
			defer timer.Stop()
			select {
			case <-seen:
			case <-timer.C:
			}
			return nil, nil, err
		},
	)
	n := newNginx(t, b.addr)
	session, _ := begin(t, b, "")
	conn, err := net.Dial("unix", n.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(
		[]byte(
			post(
				session,
				"",
				`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"talk","arguments":{},"_meta":{"progressToken":"p"}}}`,
			),
		),
	)
	began := time.Now()
	conn.SetDeadline(began.Add(testkit.Patience))
	var answer strings.Builder
	for buf := make([]byte, 4096); !strings.Contains(answer.String(), "hello"); {
		k, err := conn.Read(buf)
		answer.Write(buf[:k])
		if err != nil {
			t.Fatal(err, answer.String())
		}
	}
	close(seen)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the notification took %v", took)
	}
}

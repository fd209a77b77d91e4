package gosdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// backend is a real MCP server over TCP on our store.
type backend struct {
	manager  *shard.Manager
	store    *EventStore
	server   *mcp.Server
	endpoint *Endpoint
	url      string
	addr     string
}

type countInput struct {
	To int `json:"to"`
}

// newBackend starts a server whose tool count sends progress 1 to input.To and calls pace, if any,
// after each.
func newBackend(t *testing.T, cfg shard.Config, sdk mcp.StreamableHTTPOptions, pace func(i int)) *backend {
	t.Helper()
	return newBackendWith(t, cfg, sdk, Options{Principal: user, Retry: 20 * time.Millisecond}, pace)
}

func newBackendWith(
	t *testing.T,
	cfg shard.Config,
	sdk mcp.StreamableHTTPOptions,
	opts Options,
	pace func(i int),
) *backend {
	t.Helper()
	return newBackendBehind(t, cfg, sdk, opts, pace, func(store replay.Store) replay.Store { return store })
}

// newBackendOn starts a server on a Store that has nothing optional and is changed by change.
func newBackendOn(t *testing.T, change func(*hooked)) *backend {
	t.Helper()
	return newBackendBehind(
		t,
		shard.Config{},
		mcp.StreamableHTTPOptions{},
		Options{Principal: user},
		nil,
		func(store replay.Store) replay.Store {
			h := &hooked{Store: store}
			change(h)
			return h
		},
	)
}

func newBackendBehind(
	t *testing.T,
	cfg shard.Config,
	sdk mcp.StreamableHTTPOptions,
	opts Options,
	pace func(i int),
	wrap func(replay.Store) replay.Store,
) *backend {
	t.Helper()
	b := &backend{
		server: mcp.NewServer(
			&mcp.Implementation{Name: "test", Version: "1"},
			&mcp.ServerOptions{GetSessionID: NewSessionID},
		),
	}
	cfg.OnEnd = CloseEnded(b.server)
	b.manager = newManager(t, cfg)
	store := wrap(replay.Local(b.manager))
	b.store = New(store)
	mcp.AddTool(
		b.server,
		&mcp.Tool{Name: "count"},
		func(ctx context.Context, r *mcp.CallToolRequest, in countInput) (*mcp.CallToolResult, any, error) {
			for i := 1; i <= in.To; i++ {
				progress := &mcp.ProgressNotificationParams{
					ProgressToken: r.Params.GetProgressToken(),
					Progress:      float64(i),
				}
				if err := r.Session.NotifyProgress(ctx, progress); err != nil {
					return nil, nil, err
				}
				if pace != nil {
					pace(i)
				}
			}
			return nil, nil, nil
		},
	)
	sdk.EventStore = b.store
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return b.server }, &sdk)
	b.endpoint = Middleware(store, handler, opts)
	web := httptest.NewServer(b.endpoint)
	t.Cleanup(web.Close)
	t.Cleanup(web.CloseClientConnections) // hanging GETs first
	b.url, b.addr = web.URL, web.Listener.Addr().String()
	return b
}

// connect returns a session of the SDK's own client with its own connections.
func connect(t *testing.T, url string, onProgress func(float64)) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context,
			r *mcp.ProgressNotificationClientRequest) {
			onProgress(r.Params.Progress)
		},
	})
	web := &http.Client{Transport: &http.Transport{}}
	session, err := client.Connect(
		t.Context(),
		&mcp.StreamableClientTransport{Endpoint: url, HTTPClient: web, MaxRetries: 100},
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close(); web.CloseIdleConnections() })
	return session
}

func count(ctx context.Context, session *mcp.ClientSession, to int) error {
	params := &mcp.CallToolParams{Name: "count", Arguments: countInput{To: to}}
	params.SetProgressToken("p")
	_, err := session.CallTool(ctx, params)
	return err
}

func TestTheSDKsClientLosesNothingWhenItsConnectionIsCutTenTimes(t *testing.T) {
	const total, every = 550, 50
	var p *proxy.Proxy
	cut := make(chan struct{})
	// The tool waits for the client to see every fiftieth event and for the cut that follows, so
	// that each one hits a running stream.
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, func(i int) {
		if i%every == 0 && i < total {
			<-cut
		}
	})
	p = proxy.New(t, b.addr)
	seen := make(chan int, 2*total)
	session := connect(t, p.URL(), func(progress float64) {
		seen <- int(progress)
		if i := int(progress); i%every == 0 && i < total {
			p.Cut()
			cut <- struct{}{}
		}
	})
	if err := count(t.Context(), session, total); err != nil {
		t.Fatal(err)
	}
	for i := range total { // the last ones may still be on their way through the client
		if progress := <-seen; progress != i+1 {
			t.Fatalf("event %d is progress %d", i+1, progress)
		}
	}
	session.Close()
	if len(seen) != 0 {
		t.Fatalf("%d events too many", len(seen))
	}
	if replayed := b.manager.Stats().Replayed; replayed == 0 {
		t.Error("nothing was replayed")
	}
}

func TestTheSDKsSessionIsOursFromBeginningToEnd(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	session := connect(t, b.url, func(float64) {})
	info, err := b.manager.Info(session.ID())
	if err != nil || info.Status != shard.Active || info.Transport != "http" {
		t.Fatalf("%+v, %v", info, err)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err = b.manager.Info(session.ID()); err != nil || info.Status != shard.Terminated {
		t.Fatalf("after DELETE: %+v, %v", info, err)
	}
	if n := remembered(b.store); n != 0 {
		t.Fatalf("%d sessions are remembered", n)
	}
}

func TestASessionThatEndsInTheStoreEndsAtTheClient(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	session := connect(t, b.url, func(float64) {})
	b.manager.Terminate(session.ID())
	if err := count(t.Context(), session, 1); !errors.Is(err, mcp.ErrSessionMissing) {
		t.Errorf("a call afterwards: %v", err)
	}
	if err := session.Wait(); !errors.Is(err, mcp.ErrSessionMissing) {
		t.Errorf("the session ended with %v", err)
	}
}

func TestCloseEndedEndsTheServersSessions(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	var ids []string
	var sessions []*mcp.ServerSession
	for range 3 {
		ids = append(ids, connect(t, b.url, func(float64) {}).ID())
	}
	for s := range b.server.Sessions() {
		sessions = append(sessions, s)
	}
	for _, id := range ids {
		b.manager.Terminate(id)
	}
	for _, s := range sessions {
		s.Wait()
	}
	if n := remembered(b.store); n != 0 {
		t.Fatalf("%d sessions are remembered", n)
	}
}

// post sends a JSON-RPC message as a client without an SDK does.
func post(t *testing.T, url, version, session, principal, message string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Mcp-Protocol-Version", version)
	return do(t, r, session, principal)
}

func do(t *testing.T, r *http.Request, session, principal string) *http.Response {
	t.Helper()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		r.Header.Set(mcphttp.SessionID, session)
	}
	r.Header.Set("X-User", principal)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close(); http.DefaultTransport.(*http.Transport).CloseIdleConnections() })
	return resp
}

func resume(t *testing.T, url, session, principal, lastEventID string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", lastEventID)
	return do(t, r, session, principal)
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const (
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
	callCount  = `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"count","arguments":{"to":%d},"_meta":{"progressToken":"p"}}}`
)

// begin initializes a session by hand and returns its ID.
func begin(t *testing.T, b *backend, principal string) string {
	t.Helper()
	resp := post(t, b.url, "2025-11-25", "", principal, initialize)
	session := resp.Header.Get(mcphttp.SessionID)
	if body(t, resp); resp.StatusCode != 200 || session == "" {
		t.Fatalf("initialize: %d, session %q", resp.StatusCode, session)
	}
	post(t, b.url, "2025-11-25", session, principal, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return session
}

// call calls the tool count and returns the ID of the first event of its stream, and the stream.
func call(t *testing.T, b *backend, session, principal string, to int) (first, text string) {
	t.Helper()
	text = body(t, post(t, b.url, "2025-11-25", session, principal, fmt.Sprintf(callCount, 2, to)))
	_, rest, _ := strings.Cut(text, "id: ")
	first, _, _ = strings.Cut(rest, "\n")
	return first, text
}

func TestTheWireIDsOfAStreamResumeItOverHTTP(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	session := begin(t, b, "alice")
	first, live := call(t, b, session, "alice", 5)
	if !strings.HasPrefix(live, "retry: 20\nevent: prime\nid: "+first+"\n") {
		t.Fatalf("the stream begins with %.80q", live)
	}
	_, afterFirst, _ := strings.Cut(live, "data: \n\n")
	resp := resume(t, b.url, session, "alice", first)
	replayed := strings.TrimPrefix(body(t, resp), "retry: 20\n")
	if resp.StatusCode != 200 || replayed != afterFirst {
		t.Fatalf("%d: replayed\n%s\nwant\n%s", resp.StatusCode, replayed, afterFirst)
	}
}

func TestAnotherPrincipalsSessionLooksUnknownOverHTTP(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	session := begin(t, b, "alice")
	first, _ := call(t, b, session, "alice", 5)
	foreign, unknown := resume(t, b.url, session, "bob", first), resume(t, b.url, "unknown", "bob", first)
	if foreign.StatusCode != 404 || unknown.StatusCode != 404 || body(t, foreign) != body(t, unknown) {
		t.Fatalf("foreign: %d, unknown: %d", foreign.StatusCode, unknown.StatusCode)
	}
	if info, err := b.manager.Info(session); err != nil || info.Principal != "alice" {
		t.Fatalf("principal %q, %v", info.Principal, err)
	}
}

func TestAPurgedReplayIsNo404OverHTTP(t *testing.T) {
	b := newBackend(t, retaining(3), mcp.StreamableHTTPOptions{}, nil)
	session := begin(t, b, "alice")
	first, _ := call(t, b, session, "alice", 20)
	if resp := resume(t, b.url, session, "alice", first); resp.StatusCode != 400 {
		t.Fatalf("status %d, want the SDK's 400 for a failed replay", resp.StatusCode)
	}
}

func TestAStreamOfAnotherSessionIsNotReplayed(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	mine, yours := begin(t, b, "alice"), begin(t, b, "alice")
	first, _ := call(t, b, mine, "alice", 5)
	if resp := resume(t, b.url, yours, "alice", first); resp.StatusCode != 400 ||
		strings.Contains(body(t, resp), "progress") {
		t.Fatalf("status %d", resp.StatusCode)
	}
}

func TestAStatelessServerServesOldClientsAtOnce(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{Stateless: true}, nil)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			resp := post(t, b.url, "2025-06-18", "", "", fmt.Sprintf(callCount, i+1, 5))
			if n := strings.Count(body(t, resp), "notifications/progress"); resp.StatusCode != 200 || n != 5 {
				t.Errorf("status %d, %d progress events", resp.StatusCode, n)
			}
		})
	}
	wg.Wait()
	if active := b.manager.Stats().Active; active != 0 {
		t.Errorf("%d sessions survive", active)
	}
}

package mcpgo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
)

const (
	version    = "2025-11-25" // the last with sessions
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
	callTool   = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"work","arguments":{}}}`
	ping       = `{"jsonrpc":"2.0","id":3,"method":"ping"}`
)

// backend is a real MCP server over TCP on our store.
type backend struct {
	events *EventStore
	mcp    *server.MCPServer
	url    string
	addr   string
}

// newBackend starts a server whose tool work calls its argument with a function that sends progress
// to the client. wrap, if any, goes around the SDK's handler.
func newBackend(
	t *testing.T,
	store replay.Store,
	work func(progress func(int)),
	wrap func(http.Handler) http.Handler,
) *backend {
	t.Helper()
	b := &backend{events: New(store), mcp: server.NewMCPServer("test", "1")}
	b.mcp.AddTool(mcp.NewTool("work"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		work(func(i int) {
			if err := b.mcp.SendNotificationToClient(ctx, "notifications/progress",
				map[string]any{"progress": i, "progressToken": "p"}); err != nil {
				t.Errorf("progress %d: %v", i, err)
			}
		})
		return mcp.NewToolResultText("done"), nil
	})
	sdk := server.NewStreamableHTTPServer(
		b.mcp,
		server.WithEventStore(b.events),
		server.WithSessionIdManager(b.events.Sessions()),
		server.WithStreamableHTTPLogger(slog.New(slog.DiscardHandler)),
	)
	var handler http.Handler = sdk
	if wrap != nil {
		handler = wrap(sdk)
	}
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	t.Cleanup(web.CloseClientConnections) // hanging GETs first
	t.Cleanup(func() { sdk.CloseSessions(context.Background()) })
	b.url, b.addr = web.URL, web.Listener.Addr().String()
	return b
}

// request makes a request as a client without an SDK does. Its connection is its own.
func request(t *testing.T, method, url, session, lastEventID, message string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Protocol-Version": version, "Mcp-Session-Id": session, "Last-Event-ID": lastEventID,
	} {
		if value != "" {
			r.Header.Set(key, value)
		}
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// status is the status of a request, whose body it reads.
func status(t *testing.T, method, url, session, lastEventID, message string) int {
	t.Helper()
	resp := request(t, method, url, session, lastEventID, message)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// begin initializes a session by hand and returns its ID.
func begin(t *testing.T, url string) string {
	t.Helper()
	resp := request(t, http.MethodPost, url, "", "", initialize)
	session := resp.Header.Get("Mcp-Session-Id")
	if resp.StatusCode != 200 || session == "" {
		t.Fatalf("initialize: %d, session %q", resp.StatusCode, session)
	}
	return session
}

// sseEvent is one event on the wire.
type sseEvent struct{ id, data string }

// listener reads an event stream.
type listener struct {
	body *bufio.Reader
	last string // ID of the last whole event
}

func listen(resp *http.Response) *listener { return &listener{body: bufio.NewReader(resp.Body)} }

// next returns the next event; false when the stream ends or breaks.
func (l *listener) next() (e sseEvent, ok bool) {
	for {
		line, err := l.body.ReadString('\n')
		if err != nil {
			return e, false
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			l.last = e.id
			return e, true
		}
	}
}

// want reads the events of progress first to end-1.
func (l *listener) want(t *testing.T, first, end int) {
	t.Helper()
	for i := first; i < end; i++ {
		e, ok := l.next()
		if !ok || e.id == "" || !strings.Contains(e.data, fmt.Sprintf(`"progress":%d,`, i)) {
			t.Fatalf("progress %d: %+v, %v", i, e, ok)
		}
	}
}

// wantResult reads the result of the tool and the end of the stream.
func (l *listener) wantResult(t *testing.T) {
	t.Helper()
	if e, ok := l.next(); !ok || e.id == "" || !strings.Contains(e.data, `"text":"done"`) {
		t.Fatalf("result: %+v, %v", e, ok)
	}
	if e, ok := l.next(); ok {
		t.Fatalf("after the result: %+v", e)
	}
}

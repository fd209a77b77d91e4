package gosdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// addBlob adds a tool whose result has size bytes. It sends a progress notification and calls
// ready, if any, before it has it.
func addBlob(b *backend, size int, ready func()) {
	mcp.AddTool(
		b.server,
		&mcp.Tool{Name: "blob"},
		func(ctx context.Context, r *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			if ready != nil {
				if err := r.Session.NotifyProgress(ctx,
					&mcp.ProgressNotificationParams{ProgressToken: "p", Progress: 1}); err != nil {
					return nil, nil, err
				}
				ready()
			}
			return &mcp.CallToolResult{
				Content: []mcp.Content{&mcp.TextContent{Text: strings.Repeat("x", size)}},
			}, nil, nil
		},
	)
}

// callBlobAcrossACut calls the tool blob, whose connection is cut before it has its result and
// comes back after.
func callBlobAcrossACut(t *testing.T, cfg shard.Config, size int) (*mcp.ClientSession, *mcp.CallToolResult, error) {
	t.Helper()
	b := newBackend(t, cfg, mcp.StreamableHTTPOptions{}, nil)
	p := proxy.New(t, b.addr)
	gate := newGate()
	begun := make(chan struct{})
	addBlob(b, size, func() {
		<-begun // the client knows a place on the call's stream
		gate.shut()
		p.Cut()
		// The listening stream and the call's are broken: the client knows it, then the server.
		gate.waitFor(2)
		testkit.Poll(t.Context(), func() bool {
			return b.endpoint.Stats().Calls+b.endpoint.Stats().Listening == 0
		})
	})
	mcp.AddTool(
		b.server,
		&mcp.Tool{Name: "after"},
		func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{}, nil, nil
		},
	)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) { close(begun) },
	})
	t.Cleanup(gate.next.CloseIdleConnections)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint: "http://" + p.Addr(), HTTPClient: &http.Client{Transport: gate}, MaxRetries: 100,
		MaxEventSize: -1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	before := b.manager.Stats().Appended
	go func() {
		// The result is stored, or refused, once the tool has returned; the client may come back
		// then.
		testkit.Poll(t.Context(), func() bool {
			return b.manager.Stats().Appended >= before+3 || b.store.Stats().Refused > 0
		})
		gate.open()
	}()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "blob"})
	return session, result, err
}

func TestAResultWithImagesSurvivesACut(t *testing.T) {
	const size = 15 << 20
	_, result, err := callBlobAcrossACut(t, shard.Config{Ring: ring.Config{MaxBytes: 32 << 20}}, size)
	if err != nil {
		t.Fatal(err)
	}
	if text := result.Content[0].(*mcp.TextContent).Text; len(text) != size {
		t.Errorf("%d bytes, want %d", len(text), size)
	}
}

func TestAResultThatIsTooLargeIsAnErrorForItsCallAlone(t *testing.T) {
	session, _, err := callBlobAcrossACut(t, shard.Config{Ring: ring.Config{MaxEventBytes: 100 << 10}}, 200<<10)
	var wireError *jsonrpc.Error
	if !errors.As(err, &wireError) || wireError.Code != jsonrpc.CodeInternalError ||
		!strings.Contains(wireError.Message, "larger") {
		t.Fatalf("the call: %v", err)
	}
	if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "after"}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// The result takes longer than WriteTimeout, for buffers on the way hide little of how slowly the
// client reads.
func TestAClientThatReadsSteadilyGetsEverythingHoweverSlowly(t *testing.T) {
	const size, timeout = 6 << 20, 2 * time.Second
	b := newBackendWith(t, shard.Config{}, mcp.StreamableHTTPOptions{}, Options{WriteTimeout: timeout}, nil)
	addBlob(b, size, nil)
	web := httptest.NewUnstartedServer(b.endpoint)
	web.Listener = testkit.Narrow(web.Listener)
	web.Start()
	t.Cleanup(web.Close)
	session := begin(t, b, "")

	conn, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(testkit.NarrowBuffer)
	call := `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"blob","arguments":{}}}`
	began := time.Now()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2025-11-25\r\n"+
		"Mcp-Session-Id: %s\r\nContent-Length: %d\r\n\r\n%s", conn.RemoteAddr(), session, len(call), call)
	pace := time.NewTicker(6 * time.Millisecond)
	defer pace.Stop()
	for total, buf := 0, make([]byte, testkit.NarrowBuffer); total < size; {
		<-pace.C
		n, err := conn.Read(buf)
		if total += n; err != nil {
			t.Fatalf("after %d bytes and %v: %v", total, time.Since(began), err)
		}
	}
	if took := time.Since(began); took < timeout {
		t.Errorf("everything arrived in %v: the client was not slow, and the test does not test", took)
	}
}

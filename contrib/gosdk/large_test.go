package gosdk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
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
		gate.waitFor(2) // the listening stream and the call's: the client knows that both are broken
		for b.endpoint.Stats().Calls+b.endpoint.Stats().Listening > 0 {
			time.Sleep(time.Millisecond) // and so does the server
		}
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
		for b.manager.Stats().Appended < before+3 && b.store.Stats().Refused == 0 && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
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

func TestAClientThatReadsSteadilyGetsEverythingHoweverSlowly(t *testing.T) {
	const size, timeout = 3 << 20, 300 * time.Millisecond
	b := newBackendWith(t, shard.Config{}, mcp.StreamableHTTPOptions{}, Options{WriteTimeout: timeout}, nil)
	addBlob(b, size, nil)
	session := begin(t, b, "")
	began := time.Now()
	resp := post(
		t,
		b.url,
		"2025-11-25",
		session,
		"",
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"blob","arguments":{}}}`,
	)
	total, buf := 0, make([]byte, 64<<10)
	for {
		n, err := resp.Body.Read(buf)
		total += n
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("after %d bytes and %v: %v", total, time.Since(began), err)
		}
		if n > 0 {
			time.Sleep(time.Duration(n) * time.Second / (1 << 20)) // 1 MiB a second: ten times the timeout in all
		}
	}
	if total < size {
		t.Errorf("%d bytes, want %d", total, size)
	}
}

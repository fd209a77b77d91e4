package interop

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// mcpServer is the official Go SDK's server with its streams kept by Reprise.
type mcpServer struct {
	manager *shard.Manager
	server  *mcp.Server
	addr    string
	url     string
	seen    *tap
}

// newMCPServer starts a server that ends with the test. Requests come in the name of their X-User
// header.
func newMCPServer(t testing.TB, cfg shard.Config) *mcpServer {
	t.Helper()
	server := mcp.NewServer(
		&mcp.Implementation{Name: "interop", Version: "1"},
		&mcp.ServerOptions{GetSessionID: gosdk.NewSessionID},
	)
	cfg.OnEnd = gosdk.CloseEnded(server)
	manager := newManager(t, cfg)
	store := replay.Local(manager)
	handler := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{EventStore: gosdk.New(store)},
	)
	seen := &tap{next: gosdk.Middleware(store, handler, gosdk.Options{Principal: user, Retry: 20 * time.Millisecond})}
	mux := http.NewServeMux()
	mux.Handle("/mcp", seen)
	addr := listenAndServe(t, &http.Server{Handler: mux}, func() {
		for session := range server.Sessions() {
			session.Close() // ends the GETs that hang
		}
	})
	mcp.AddTool(server, &mcp.Tool{Name: "test_reconnection"}, testReconnection)
	return &mcpServer{manager, server, addr, "http://" + addr + "/mcp", seen}
}

func user(r *http.Request) string { return r.Header.Get("X-User") }

// testReconnection is the tool that the conformance suite asks for: it closes its stream and has
// its result 100 ms later.
func testReconnection(ctx context.Context, r *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
	if r.Extra != nil && r.Extra.CloseSSEStream != nil {
		r.Extra.CloseSSEStream(mcp.CloseSSEStreamArgs{RetryAfter: 20 * time.Millisecond})
	}
	timer := time.NewTimer(100 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "resumed"}}}, nil, nil
}

// Command gosdk is an MCP server on the official Go SDK whose clients can lose their connection in
// the middle of a call.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	sessions, handler, err := newServer(200*time.Millisecond, time.Second)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// the sessions' end ends their streams
	context.AfterFunc(ctx, func() { sessions.Close(); server.Shutdown(context.Background()) })
	log.Printf("MCP server (Streamable HTTP) on http://%s", *addr)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

// newServer returns an MCP server with one tool, which takes pace for each thing it does. Clients
// that were cut off come back after retry.
func newServer(pace, retry time.Duration) (*shard.Manager, http.Handler, error) {
	server := mcp.NewServer(
		&mcp.Implementation{Name: "kitchen", Version: "1"},
		&mcp.ServerOptions{GetSessionID: gosdk.NewSessionID},
	)
	// when a session ends here, it ends in the SDK
	sessions, err := shard.New(shard.Config{OnEnd: gosdk.CloseEnded(server)})
	if err != nil {
		return nil, nil, err
	}
	store := replay.Local(sessions)
	mcp.AddTool(server, &mcp.Tool{Name: "brew", Description: "Makes coffee, one cup after the other."}, brew(pace))
	handler := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{EventStore: gosdk.New(store)})
	return sessions, gosdk.Middleware(store, handler, gosdk.Options{Retry: retry}), nil
}

type order struct {
	Cups int `json:"cups" jsonschema:"how many cups, up to 1000"`
}

// brew tells about every cup. It does not notice when the client is away: what it tells is stored,
// and replayed.
func brew(pace time.Duration) mcp.ToolHandlerFor[order, any] {
	return func(ctx context.Context, r *mcp.CallToolRequest, in order) (*mcp.CallToolResult, any, error) {
		cups := min(in.Cups, 1000)
		for i := range cups {
			time.Sleep(pace)
			err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
				ProgressToken: r.Params.GetProgressToken(),
				Progress:      float64(i + 1),
				Total:         float64(cups),
				Message:       fmt.Sprintf("cup %d", i+1),
			})
			if err != nil {
				return nil, nil, err
			}
		}
		return &mcp.CallToolResult{
			Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf("%d cups are ready", cups)}},
		}, nil, nil
	}
}

// Command mcpgo is an MCP server on mcp-go whose clients can lose their connection in the middle of
// a call.
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

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/contrib/mcpgo"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	sessions, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	handler := newServer(sessions, 200*time.Millisecond)
	web := &http.Server{Addr: *addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { handler.Shutdown(context.Background()); web.Shutdown(context.Background()) })
	log.Printf("MCP server (Streamable HTTP, protocol 2025-11-25 or older) on http://%s", *addr)
	if err := web.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

// newServer returns an MCP server with one tool, which takes pace for each thing it does.
func newServer(sessions *shard.Manager, pace time.Duration) *server.StreamableHTTPServer {
	s := server.NewMCPServer("kitchen", "1")
	tool := mcp.NewTool("brew", mcp.WithDescription("Makes coffee, one cup after the other."),
		mcp.WithNumber("cups", mcp.Required(), mcp.Description("how many cups, up to 1000")))
	s.AddTool(tool, func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		cups, err := r.RequireInt("cups")
		if err != nil {
			return mcp.NewToolResultError(err.Error()), nil
		}
		cups = min(cups, 1000)
		for i := range cups {
			time.Sleep(pace)
			progress := map[string]any{"progressToken": "coffee", "progress": i + 1, "total": cups}
			if err := s.SendNotificationToClient(ctx, "notifications/progress", progress); err != nil {
				return nil, err
			}
		}
		return mcp.NewToolResultText(fmt.Sprintf("%d cups are ready", cups)), nil
	})
	events := mcpgo.New(replay.Local(sessions))
	return server.NewStreamableHTTPServer(s,
		server.WithEventStore(events),
		server.WithSessionIdManager(events.Sessions()),
		server.WithSessionIdleTTL(time.Hour))
}

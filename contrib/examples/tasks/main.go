// Command tasks is an MCP server whose long calls are tasks: a client starts one, goes away, and
// gets the result later, from this process or from another one that shares its Redis.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/contrib/gosdk/tasks"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	server := flag.String("redis", "", "the Redis that all processes share; none: tasks live in this process")
	lease := flag.Duration("lease", tasks.DefaultLease, "after how long a silent process has lost its tasks")
	patience := flag.Duration("patience", 5*time.Second, "how long tasks may go on when the process is shut down")
	conformance := flag.Bool("conformance", false, "offer the tools that the conformance suite calls")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *addr, *server, *lease, *patience, *conformance); err != nil {
		log.Fatal(err)
	}
}

// serve serves until ctx ends.
func serve(ctx context.Context, addr, server string, lease, patience time.Duration, conformance bool) error {
	store, closeStore, err := open(server)
	if err != nil {
		return err
	}
	defer closeStore()
	extension, err := tasks.New(store, tasks.Config{
		Lease: lease, PollInterval: 200 * time.Millisecond, Logger: slog.Default(),
	})
	if err != nil {
		return err
	}
	handler, err := newHandler(store, extension, conformance)
	if err != nil {
		return err
	}
	events := &replay.Handler{Store: store} // a task is a session, whose events anybody here may follow
	mux := http.NewServeMux()
	mux.Handle("/mcp", handler)
	mux.Handle("GET /events", events)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	web.RegisterOnShutdown(handler.Close)
	web.RegisterOnShutdown(events.Close)
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("MCP server with tasks on http://%s/mcp\n", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return errors.Join(extension.Close(last), web.Shutdown(context.Background()))
}

// open returns the Store that tasks live in.
func open(server string) (replay.Store, func(), error) {
	if server == "" {
		manager, err := shard.New(shard.Config{})
		if err != nil {
			return nil, nil, err
		}
		return replay.Local(manager), func() { manager.Close() }, nil
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server}, DisableCache: true})
	if err != nil {
		return nil, nil, err
	}
	store, err := redis.New(client, redis.Config{})
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return store, func() { store.Close(); client.Close() }, nil
}

// newHandler serves clients of both eras. Those of the earlier one have no tasks: for them, the
// same tools are ordinary calls.
func newHandler(store replay.Store, extension *tasks.Extension, conformance bool) (*gosdk.Endpoint, error) {
	server := mcp.NewServer(
		&mcp.Implementation{Name: "bakery", Version: "1"},
		&mcp.ServerOptions{GetSessionID: gosdk.NewSessionID},
	)
	if err := extension.Install(server); err != nil {
		return nil, err
	}
	mcp.AddTool(server, &mcp.Tool{Name: "bake", Description: "Bakes loaves of bread, one every few seconds."},
		tasks.Tool(bake, tasks.Options{}))
	if conformance {
		addConformanceTools(server)
	}
	get := func(*http.Request) *mcp.Server { return server }
	modern := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{Stateless: true})
	return gosdk.Handler(store, get, gosdk.HandlerOptions{Modern: extension.Handler(modern)})
}

type order struct {
	Loaves  int     `json:"loaves" jsonschema:"how many, 1 to 1000"`
	Seconds float64 `json:"seconds,omitempty" jsonschema:"how long each takes; 2 by default"`
}

// bake is a tool like any other. Its context ends when the client cancels the task.
func bake(ctx context.Context, req *mcp.CallToolRequest, in order) (*mcp.CallToolResult, any, error) {
	loaves, each := min(in.Loaves, 1000), cmp.Or(in.Seconds, 2)
	for i := range loaves {
		if err := pause(ctx, each); err != nil {
			return nil, nil, err
		}
		message := fmt.Sprintf("%d of %d loaves", i+1, loaves)
		done := tasks.Progress{Progress: float64(i + 1), Total: float64(loaves), Message: message}
		if err := tasks.ReportProgress(ctx, req, done); err != nil {
			return nil, nil, err
		}
	}
	return text("%d loaves are ready", loaves), nil, nil
}

func pause(ctx context.Context, seconds float64) error {
	timer := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func text(format string, args ...any) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf(format, args...)}}}
}

package mcpgo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/contrib/mcpgo"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// An MCP server whose clients can resume. Resumption is part of the protocol up to version
// 2025-11-25; mcp-go's client asks for a later one unless told.
func Example() {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	events := mcpgo.New(replay.Local(manager))
	handler := server.NewStreamableHTTPServer(server.NewMCPServer("example", "1"),
		server.WithEventStore(events),
		server.WithSessionIdManager(events.Sessions()),
		server.WithSessionIdleTTL(time.Hour),
		server.WithHeartbeatInterval(30*time.Second))
	defer handler.Shutdown(context.Background())
	web := httptest.NewServer(handler) // http.ListenAndServe(":8080", handler)
	defer web.Close()

	c, err := client.NewStreamableHttpClient(web.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = "2025-11-25"
	_, err = c.Initialize(context.Background(), hello)
	fmt.Println(err, len(c.GetSessionId()))
	// Output: <nil> 48
}

// A client that listens is told to come back after a quarter of a second when its stream ends, as
// it does when the server shuts down.
func ExampleMiddleware() {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	store := replay.Local(manager)
	events := mcpgo.New(store)
	handler := server.NewStreamableHTTPServer(server.NewMCPServer("example", "1"),
		server.WithEventStore(events),
		server.WithSessionIdManager(events.Sessions()))
	defer handler.Shutdown(context.Background())
	endpoint := mcpgo.Middleware(store, handler, mcpgo.Options{Retry: 250 * time.Millisecond})
	web := httptest.NewServer(endpoint) // http.ListenAndServe(":8080", endpoint)
	defer web.Close()

	request, err := http.NewRequest(http.MethodGet, web.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Mcp-Session-Id", events.Sessions().Generate())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	endpoint.Close() // as http.Server.Shutdown does
	rest, err := io.ReadAll(response.Body)
	fmt.Printf("%s, %q, %v\n", response.Header.Get("Content-Type"), rest, err)
	// Output: text/event-stream, "retry: 250\n", <nil>
}

func ExampleEventStore() {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	events := mcpgo.New(replay.Local(manager))

	ctx := context.Background()
	var ids []string
	for _, message := range []string{"zero", "one", "two"} {
		id, err := events.StoreEvent(ctx, "session", "stream", json.RawMessage(message))
		if err != nil {
			log.Fatal(err)
		}
		ids = append(ids, id)
	}
	stream, err := events.ReplayEventsAfter(ctx, "session", ids[0], func(_ string, message json.RawMessage) error {
		fmt.Println(string(message))
		return nil
	})
	fmt.Println(stream, err)

	events.PurgeSession(ctx, "session")
	_, err = events.StoreEvent(ctx, "session", "stream", nil)
	fmt.Println(errors.Is(err, shard.ErrNotFound))
	// Output:
	// one
	// two
	// stream <nil>
	// true
}

func ExampleSessions() {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	sessions := mcpgo.Sessions(replay.Local(manager))

	id := sessions.Generate()
	fmt.Println(sessions.Validate(id))
	fmt.Println(sessions.Terminate(id))
	fmt.Println(sessions.Validate(id))
	_, err = sessions.Validate("foreign")
	fmt.Println(err)
	// Output:
	// false <nil>
	// false <nil>
	// true <nil>
	// mcpgo: session "foreign": shard: session not found
}

// Processes behind one load balancer know each other's IDs by a common key.
func ExampleEventStore_SessionsWith() {
	manager, err := shard.New(shard.Config{}) // in earnest: a Store that they share
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	cfg := mcpgo.SessionConfig{Key: []byte("a secret of at least 16 bytes")}
	one, err := mcpgo.New(replay.Local(manager)).SessionsWith(cfg)
	if err != nil {
		log.Fatal(err)
	}
	two, err := mcpgo.New(replay.Local(manager)).SessionsWith(cfg)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(two.Validate(one.Generate()))
	// Output: false <nil>
}

package gosdk_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// An MCP server whose clients can resume.
func Example() {
	server := mcp.NewServer(
		&mcp.Implementation{Name: "example", Version: "1"},
		&mcp.ServerOptions{GetSessionID: gosdk.NewSessionID},
	)
	manager, err := shard.New(shard.Config{OnEnd: gosdk.CloseEnded(server)})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	store := replay.Local(manager)
	handler := gosdk.Middleware(store, mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{EventStore: gosdk.New(store)},
	), gosdk.Options{})
	web := httptest.NewServer(handler) // http.ListenAndServe(":8080", handler)
	defer web.Close()

	client := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, nil)
	session, err := client.Connect(context.Background(), &mcp.StreamableClientTransport{Endpoint: web.URL}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	fmt.Println("sessions:", manager.Stats().Active)
	// Output: sessions: 1
}

func ExampleEventStore() {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	store := gosdk.New(replay.Local(manager))

	ctx := context.Background()
	store.Open(ctx, "session", "stream")
	for _, data := range []string{"zero", "one", "two"} {
		store.Append(ctx, "session", "stream", []byte(data))
	}
	for data, err := range store.After(ctx, "session", "stream", 0) {
		fmt.Println(string(data), err)
	}
	// Output:
	// one <nil>
	// two <nil>
}

// Sessions belong to whom the embedder's authentication says, and clients come back after a quarter
// of a second.
func ExampleMiddleware() {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	sdk := http.NotFoundHandler() // in earnest: mcp.NewStreamableHTTPHandler(…)
	handler := gosdk.Middleware(replay.Local(manager), sdk, gosdk.Options{
		Principal: func(r *http.Request) string { user, _, _ := r.BasicAuth(); return user },
		Retry:     250 * time.Millisecond,
	})
	if _, err := manager.CreateWithID("of-alice", shard.Metadata{Principal: "alice"}); err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/mcp", nil)
	r.Header.Set("Mcp-Session-Id", "of-alice")
	r.SetBasicAuth("bob", "secret")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output: 404 session not found
}

func ExampleNewSessionID() {
	fmt.Println(len(gosdk.NewSessionID()))
	// Output: 36
}

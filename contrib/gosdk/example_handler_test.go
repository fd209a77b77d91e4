package gosdk_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// One URL for clients with sessions, which can resume, and for later ones, which have none.
func ExampleHandler() {
	server := mcp.NewServer(
		&mcp.Implementation{Name: "example", Version: "1"},
		&mcp.ServerOptions{GetSessionID: gosdk.NewSessionID},
	)
	manager, err := shard.New(shard.Config{OnEnd: gosdk.CloseEnded(server)})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	endpoint, err := gosdk.Handler(
		replay.Local(manager),
		func(*http.Request) *mcp.Server { return server },
		gosdk.HandlerOptions{},
	)
	if err != nil {
		log.Fatal(err)
	}
	web := httptest.NewServer(endpoint) // http.Server{Handler: endpoint}, with RegisterOnShutdown(endpoint.Close)
	defer web.Close()
	defer endpoint.Close()

	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		client := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, nil)
		session, err := client.Connect(
			context.Background(),
			&mcp.StreamableClientTransport{Endpoint: web.URL},
			&mcp.ClientSessionOptions{ProtocolVersion: version},
		)
		if err != nil {
			log.Fatal(err)
		}
		defer session.Close()
		fmt.Println(session.InitializeResult().ProtocolVersion, "sessions:", manager.Stats().Active)
	}
	// Output:
	// 2025-11-25 sessions: 1
	// 2026-07-28 sessions: 1
}

// Two replicas of a server share a Store. A client that has subscribed at one of them hears of an
// update that the other one sends.
func ExampleNewUpdates() {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	store := replay.Local(manager) // in earnest: a Store that processes share

	var replicas [2]*mcp.Server
	var updates [2]*gosdk.Updates
	for i := range replicas {
		replicas[i] = mcp.NewServer(&mcp.Implementation{Name: "replica", Version: "1"}, &mcp.ServerOptions{
			GetSessionID:       gosdk.NewSessionID,
			SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { return nil },
			UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
		})
		updates[i], err = gosdk.NewUpdates(context.Background(), store, replicas[i], gosdk.UpdatesOptions{})
		if err != nil {
			log.Fatal(err)
		}
		defer updates[i].Close()
	}
	endpoint, err := gosdk.Handler(
		store,
		func(*http.Request) *mcp.Server { return replicas[1] },
		gosdk.HandlerOptions{},
	)
	if err != nil {
		log.Fatal(err)
	}
	web := httptest.NewServer(endpoint)
	defer web.Close()
	defer endpoint.Close()

	updated := make(chan string, 1)
	client := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, &mcp.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, r *mcp.ResourceUpdatedNotificationRequest) {
			updated <- r.Params.URI
		},
	})
	session, err := client.Connect(
		context.Background(),
		&mcp.StreamableClientTransport{Endpoint: web.URL},
		&mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"},
	)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	const report = "file:///report"
	if err := session.Subscribe(context.Background(), &mcp.SubscribeParams{URI: report}); err != nil {
		log.Fatal(err)
	}
	changed := &mcp.ResourceUpdatedNotificationParams{URI: report}
	if err := updates[0].ResourceUpdated(context.Background(), changed); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-updated)
	// Output: file:///report
}

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestTheSDKsClientGetsEveryCupThroughCutConnections(t *testing.T) {
	const cups = 60
	sessions, handler, err := newServer(5*time.Millisecond, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(handler)
	defer web.Close()
	defer sessions.Close() // before web: it ends hanging streams
	proxy := proxy.New(t, web.Listener.Addr().String())

	progress := make(chan float64, 2*cups)
	client := mcp.NewClient(&mcp.Implementation{Name: "guest", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			if n := int(r.Params.Progress); n == 10 || n == 30 {
				proxy.Cut()
			}
			progress <- r.Params.Progress
		},
	})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint: proxy.URL(), HTTPClient: &http.Client{Transport: transport}, MaxRetries: 100,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	call := &mcp.CallToolParams{Name: "brew", Arguments: order{cups}}
	call.SetProgressToken("coffee")
	result, err := session.CallTool(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if text := result.Content[0].(*mcp.TextContent).Text; text != "60 cups are ready" {
		t.Error(text)
	}
	for want := 1.0; want <= cups; want++ {
		if got := <-progress; got != want {
			t.Fatalf("cup %v, want %v", got, want)
		}
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	if len(progress) != 0 {
		t.Errorf("%d cups too many", len(progress))
	}
	if st := sessions.Stats(); st.Replayed == 0 || st.Terminated != 1 {
		t.Errorf("%+v", st)
	}
}

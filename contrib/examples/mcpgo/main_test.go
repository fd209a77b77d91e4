package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// ending makes event streams end where the connection breaks: mcp-go's client resumes those that
// end, and gives up those that break.
type ending struct{ http.RoundTripper }

func (e ending) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := e.RoundTripper.RoundTrip(r)
	if err == nil && resp.Header.Get("Content-Type") == "text/event-stream" {
		resp.Body = body{resp.Body}
	}
	return resp, err
}

type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

func TestMCPGosClientGetsEveryCupThroughCutConnections(t *testing.T) {
	const cups = 60
	sessions, err := shard.New(shard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer sessions.Close()
	handler := newServer(sessions, 5*time.Millisecond)
	web := httptest.NewServer(handler)
	defer web.Close()
	defer handler.Shutdown(context.Background())
	proxy := proxy.New(t, web.Listener.Addr().String())

	base := &http.Transport{}
	defer base.CloseIdleConnections()
	c, err := client.NewStreamableHttpClient(
		proxy.URL(),
		transport.WithHTTPBasicClient(
			&http.Client{Transport: ending{base}},
		),
		transport.WithHTTPLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	progress := make(chan int, 2*cups)
	c.OnNotification(func(n mcp.JSONRPCNotification) {
		if cup, ok := n.Params.AdditionalFields["progress"].(float64); ok {
			if cup == 10 || cup == 30 {
				proxy.Cut()
			}
			progress <- int(cup)
		}
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = "2025-11-25" // the last one in which clients resume
	if _, err := c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	var call mcp.CallToolRequest
	call.Params.Name = "brew"
	call.Params.Arguments = map[string]any{"cups": cups}
	result, err := c.CallTool(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if text := mcp.GetTextFromContent(result.Content[0]); text != "60 cups are ready" {
		t.Error(text)
	}
	for want := range cups {
		if got := <-progress; got != want+1 {
			t.Fatalf("cup %d, want %d", got, want+1)
		}
	}
	if len(progress) != 0 {
		t.Errorf("%d cups too many", len(progress))
	}
	if st := sessions.Stats(); st.Replayed == 0 {
		t.Errorf("%+v", st)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// path is where the MCP endpoint is, as clients expect it.
const path = "/mcp"

// backend is a real MCP server over TCP whose streams Reprise keeps.
type backend struct {
	manager  *shard.Manager
	server   *mcp.Server
	web      *http.Server
	addr     string
	served   chan error                        // what web.Serve returned
	resumes  atomic.Int64                      // requests that went on with a broken stream
	onResume func(session, lastEventID string) // told of each; nil: nobody
	lastGate func(ctx context.Context) error   // passed before the tool's last notification; nil: open
	site     *site                             // nil: none
}

// streamInput is what the tool takes.
type streamInput struct {
	Count      int `json:"count,omitempty" jsonschema:"progress notifications to send, 1 to 100,000; default 20"`
	IntervalMS int `json:"interval_ms,omitempty" jsonschema:"milliseconds between two of them, 1 to 10,000; default 250"`
}

type streamOutput struct {
	Sent int `json:"sent"`
}

// newBackend listens on addr. retry is how long clients wait before they come back. withSite asks
// for the pages, which there are on loopback addresses only.
func newBackend(addr string, retry time.Duration, withSite bool) (*backend, error) {
	b := &backend{served: make(chan error, 1)}
	b.server = mcp.NewServer(
		&mcp.Implementation{Name: "reprise-demo", Version: "1"},
		&mcp.ServerOptions{GetSessionID: gosdk.NewSessionID},
	)
	mcp.AddTool(b.server, &mcp.Tool{
		Name:        "stream",
		Description: "Sends numbered progress notifications. Cut the connection meanwhile: none is lost.",
	}, b.stream)
	manager, err := shard.New(shard.Config{OnEnd: gosdk.CloseEnded(b.server)})
	if err != nil {
		return nil, err
	}
	b.manager = manager
	store := replay.Local(manager)
	handler := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return b.server },
		&mcp.StreamableHTTPOptions{EventStore: gosdk.New(store)},
	)
	mux := http.NewServeMux()
	mux.Handle(path, b.count(gosdk.Middleware(store, handler, gosdk.Options{Retry: retry})))
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		manager.Close()
		return nil, err
	}
	b.addr = listener.Addr().String()
	b.web = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ConnContext: withConn}
	if withSite && isLoopback(b.addr) {
		b.site = newSite(manager)
		b.site.mount(mux)
	}
	go func() { b.served <- b.web.Serve(listener) }()
	return b, nil
}

// count counts the requests that resume a stream.
func (b *backend) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if last := r.Header.Get("Last-Event-ID"); r.Method == http.MethodGet && last != "" {
			b.resumes.Add(1)
			if b.onResume != nil {
				b.onResume(r.Header.Get("Mcp-Session-Id"), last)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// stream is the tool: it goes on whether or not the client is connected.
func (b *backend) stream(
	ctx context.Context,
	r *mcp.CallToolRequest,
	in streamInput,
) (*mcp.CallToolResult, streamOutput, error) {
	count, interval := orDefault(in.Count, 20), orDefault(in.IntervalMS, 250)
	if count < 1 || count > 100_000 || interval < 1 || interval > 10_000 {
		return nil, streamOutput{}, fmt.Errorf(
			"count is %d, want 1 to 100000; interval_ms is %d, want 1 to 10000",
			count,
			interval,
		)
	}
	pace := time.NewTicker(time.Duration(interval) * time.Millisecond)
	defer pace.Stop()
	var out streamOutput
	for i := 1; i <= count; i++ {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return nil, out, ctx.Err()
		}
		if i == count && b.lastGate != nil {
			if err := b.lastGate(ctx); err != nil {
				return nil, out, err
			}
		}
		if token := r.Params.GetProgressToken(); token != nil {
			note := &mcp.ProgressNotificationParams{
				ProgressToken: token,
				Progress:      float64(i),
				Total:         float64(count),
				Message:       message(i),
			}
			if err := r.Session.NotifyProgress(ctx, note); err != nil {
				return nil, out, err
			}
			out.Sent++
		}
	}
	return nil, out, nil
}

// message is the text of notification i.
func message(i int) string { return fmt.Sprintf("part %d", i) }

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// close ends every session and stream, then the server; calls in progress have three seconds.
func (b *backend) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	b.manager.Close() // ends the SDK's sessions through CloseEnded, and so the streams that hang
	if b.site != nil {
		b.site.close()
	}
	err := b.web.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = b.web.Close()
	}
	if served := <-b.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

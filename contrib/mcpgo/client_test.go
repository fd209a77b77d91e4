package mcpgo

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// What mcp-go's client does by itself, as of v1.2.1: it resumes a call whose stream ended without
// the response, and fails a call whose stream broke off. So a cut that reaches it as the end of the
// body is survived without help, and a reset with the help of an http.RoundTripper that makes an
// end of it. Its listening stream comes back without Last-Event-ID.

// tap is an http.RoundTripper that sees the client's event streams.
type tap struct {
	http.RoundTripper
	resetIsEnd bool
	resume     chan struct{} // each resumption takes a value before it is sent
	resumed    chan struct{} // and gives one when it has been answered
	read       bytes.Buffer  // everything of the first call's stream
}

func (tp *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	resumes := r.Header.Get("Last-Event-ID") != ""
	if resumes {
		select {
		case <-tp.resume:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	resp, err := tp.RoundTripper.RoundTrip(r)
	if err != nil || resp.Header.Get("Content-Type") != "text/event-stream" {
		return resp, err
	}
	if resumes {
		tp.resumed <- struct{}{}
	} else {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(resp.Body, &tp.read), resp.Body}
	}
	if tp.resetIsEnd {
		resp.Body = endingBody{resp.Body}
	}
	return resp, nil
}

// endingBody ends where the body breaks off.
type endingBody struct{ io.ReadCloser }

func (b endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// stream lets the client come back after 10 ms and, if closes, ends responses with their connection
// as HTTP/1.0 does, so that a connection closed by a proxy is the end of the body.
type stream struct {
	http.ResponseWriter
	closes bool
	begun  bool
}

func (s *stream) WriteHeader(status int) {
	events := s.Header().Get("Content-Type") == "text/event-stream"
	if events && s.closes {
		s.Header().Set("Transfer-Encoding", "identity")
	}
	s.ResponseWriter.WriteHeader(status)
	if events && !s.begun {
		s.begun = true
		io.WriteString(s.ResponseWriter, "retry: 10\n\n")
	}
}

func (s *stream) Flush() { s.ResponseWriter.(http.Flusher).Flush() }

func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func streamsThat(close bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&stream{ResponseWriter: w, closes: close}, r)
		})
	}
}

// connect returns mcp-go's own client, which speaks through tp.
func connect(t *testing.T, url string, tp *tap, onProgress func(int)) *client.Client {
	t.Helper()
	base := &http.Transport{}
	tp.RoundTripper, tp.resume, tp.resumed = base, make(chan struct{}), make(chan struct{}, 1)
	c, err := client.NewStreamableHttpClient(
		url,
		transport.WithHTTPBasicClient(
			&http.Client{Transport: tp},
		),
		transport.WithHTTPLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); base.CloseIdleConnections() })
	c.OnNotification(func(n mcp.JSONRPCNotification) {
		if progress, ok := n.Params.AdditionalFields["progress"].(float64); ok {
			onProgress(int(progress))
		}
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = version
	if _, err := c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	return c
}

func call(ctx context.Context, c *client.Client) (string, error) {
	var request mcp.CallToolRequest
	request.Params.Name = "work"
	result, err := c.CallTool(ctx, request)
	if err != nil {
		return "", err
	}
	return mcp.GetTextFromContent(result.Content[0]), nil
}

const (
	live  = 5  // progress that is sent before the connection is cut
	total = 85 // and altogether; the SDK itself keeps 100 for a call that nobody listens to
)

// interrupted is a tool that goes on when told that the connection was cut, and returns when told
// to.
type interrupted struct{ cut, finish chan struct{} }

func newInterrupted() *interrupted { return &interrupted{make(chan struct{}), make(chan struct{})} }

func (tool *interrupted) work(progress func(int)) {
	for i := range total {
		if i == live {
			<-tool.cut
		}
		progress(i)
	}
	<-tool.finish
}

func TestTheSDKsClientGetsTheCallThroughTenCuts(t *testing.T) {
	t.Run("unaided when connections are closed", func(t *testing.T) { testTenCuts(t, true, &tap{}) })
	t.Run("aided when connections are reset", func(t *testing.T) { testTenCuts(t, false, &tap{resetIsEnd: true}) })
}

func testTenCuts(t *testing.T, hangUp bool, tp *tap) {
	m := newManager(t, shard.Config{})
	store := &hooked{Store: replay.Local(m)}
	stored := make(chan struct{}, 2*total)
	store.append = func(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
		e, err := store.Store.Append(ctx, id, e)
		if err == nil {
			stored <- struct{}{}
		}
		return e, err
	}
	tool := newInterrupted()
	b := newBackend(t, store, tool.work, streamsThat(hangUp))
	p := proxy.New(t, b.addr)
	cut := p.Cut
	if hangUp {
		cut = p.HangUp
	}
	seen := make(chan int, 2*total)
	client := connect(t, p.URL(), tp, func(i int) { seen <- i })
	result := make(chan string, 1)
	go func() {
		text, err := call(t.Context(), client)
		if err != nil {
			t.Error(err)
		}
		result <- text
	}()
	wantProgress(t, seen, 0, live)
	cut()
	tool.cut <- struct{}{}
	for range 9 {
		tp.resume <- struct{}{}
		<-tp.resumed
		cut()
	}
	tool.finish <- struct{}{}
	for range total + 1 { // the rest and the result are captured while nobody listens
		<-stored
	}
	tp.resume <- struct{}{}
	if text := <-result; text != "done" {
		t.Fatalf("result %q", text)
	}
	wantProgress(t, seen, live, total)
	if len(seen) != 0 {
		t.Fatalf("%d too many", len(seen))
	}
	if replayed := m.Stats().Replayed; replayed < total-live+1 {
		t.Errorf("%d events were replayed", replayed)
	}
}

func wantProgress(t *testing.T, seen chan int, first, end int) {
	t.Helper()
	for i := first; i < end; i++ {
		if got := <-seen; got != i {
			t.Fatalf("progress %d, want %d", got, i)
		}
	}
}

// TestACallThatTheSDKsClientGivesUpIsCaptured resumes by hand what the client let go at a reset.
func TestACallThatTheSDKsClientGivesUpIsCaptured(t *testing.T) {
	tool := newInterrupted()
	b := newBackend(t, replay.Local(newManager(t, shard.Config{})), tool.work, nil)
	p := proxy.New(t, b.addr)
	seen := make(chan int, total)
	var tp tap
	c := connect(t, p.URL(), &tp, func(i int) { seen <- i })
	given := make(chan error, 1)
	go func() { _, err := call(t.Context(), c); given <- err }()
	wantProgress(t, seen, 0, live)
	p.Cut()
	if err := <-given; err == nil {
		t.Fatal("the call succeeded: mcp-go's client now survives a reset; say so above")
	}
	read := listener{body: bufio.NewReader(&tp.read)}
	read.want(t, 0, live)
	resumed := listen(request(t, http.MethodGet, p.URL(), c.GetSessionId(), read.last, ""))
	tool.cut <- struct{}{}
	tool.finish <- struct{}{}
	resumed.want(t, live, total)
	resumed.wantResult(t)
}

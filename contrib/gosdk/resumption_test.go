package gosdk

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/shard"
)

func TestTheSDKsClientSurvivesACutInsideTheFirstEventAfterAResumption(t *testing.T) {
	var p *proxy.Proxy
	cut := make(chan struct{})
	breaks := &breaking{next: &http.Transport{}, broken: make(chan struct{})}
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, func(i int) {
		switch i {
		case 1:
			<-cut // so that the next one is the first event after a resumption
		case 2:
			<-breaks.broken // so that the rest is sent after the second cut
		}
	})
	p = proxy.New(t, b.addr)
	seen := make(chan float64, 10)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			if seen <- r.Params.Progress; r.Params.Progress == 1 {
				p.Cut() // the first one: nothing is under way
				close(cut)
			}
		},
	})
	web := &http.Client{Transport: breaks}
	defer web.CloseIdleConnections()
	transport := &mcp.StreamableClientTransport{Endpoint: p.URL(), HTTPClient: web, MaxRetries: 100}
	session, err := client.Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := count(t.Context(), session, 3); err != nil {
		t.Fatal(err)
	}
	for want := range 3 {
		if got := <-seen; got != float64(want+1) {
			t.Errorf("progress %v, want %d", got, want+1)
		}
	}
	if n := breaks.resumed.Load(); n < 2 {
		t.Errorf("%d resumptions", n)
	}
}

// breaking is a connection on which the first resumed stream of a call breaks inside its first
// event.
type breaking struct {
	next    *http.Transport
	resumed atomic.Int64
	broken  chan struct{} // closed when that has happened
}

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	id := r.Header.Get("Last-Event-ID")
	if err != nil || id == "" || strings.HasPrefix(id, "_") || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	if b.resumed.Add(1) == 1 {
		resp.Body = &brokenBody{ReadCloser: resp.Body, broken: b.broken}
	}
	return resp, nil
}

func (b *breaking) CloseIdleConnections() { b.next.CloseIdleConnections() }

// brokenBody ends within the first message.
type brokenBody struct {
	io.ReadCloser
	read   []byte // all of it
	broken chan struct{}
	ended  bool
}

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p)
	before := len(b.read)
	b.read = append(b.read, p[:n]...)
	if at := bytes.Index(b.read, []byte("event: message\nid: ")); at >= 0 {
		b.ended = true
		b.ReadCloser.Close()
		close(b.broken)
		return max(at+len("event: message")-before, 0), nil
	}
	return n, err
}

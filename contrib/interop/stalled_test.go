package interop

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Ten thousand clients ask for one session and then read nothing. A thousand are let in: they cost
// their own connections, for as long as a write may take. The producer, a client that reads and
// another session notice nothing.
func TestTenThousandStalledClientsAgainstMaxAttached(t *testing.T) {
	const clients, places, events = 10_000, 1000, 500
	const writeTimeout = 15 * time.Second
	m := newManager(t, shard.Config{MaxAttached: places + 1, Ring: ring.Config{MaxEvents: 2 * events}})
	s := create(t, m, "s", "")
	h := &replay.Handler{Store: replay.Local(m), WriteTimeout: writeTimeout, KeepAlive: -1}
	listener := newPipes()
	serve(t, &http.Server{Handler: h}, listener, h.Close)
	tcp := listen(t, h, h.Close)
	reading, hangUp := follow(t, http.DefaultClient, "http://"+tcp+"/?session=s", "")
	defer http.DefaultClient.CloseIdleConnections()
	defer hangUp()
	before := runtime.NumGoroutine()

	admitted, hangUpAll := stall(t, listener, clients)
	if admitted != places || s.Info().Attached != places+1 {
		t.Fatalf("%d clients were let in, %d streams are open", admitted, s.Info().Attached)
	}

	// Whoever waited for those who stall would have waited for a writeTimeout at least.
	began := time.Now()
	stored := make([]ring.Event, events)
	for i := range stored {
		stored[i] = add(t, s, ring.Event{Data: []byte(strings.Repeat("x", 1000))})
	}
	if n, took := s.Info().Attached, time.Since(began); n != places+1 && took < writeTimeout {
		t.Errorf("%d streams are open after %v of appends: somebody who stalls had less than WriteTimeout", n, took)
	} else if n == 1 {
		t.Errorf("the appends took %v: the producer waited for those who stall", took)
	}
	want(t, reading, stored...)
	if n, took := s.Info().Attached, time.Since(began); n == 1 {
		t.Errorf("the client that reads had everything after %v: it waited for those who stall", took)
	}
	add(t, create(t, m, "other", ""), ring.Event{Data: []byte("other")})
	if answer := rawStream(t, tcp, request("GET", "/?session=other", "")); status(answer) != http.StatusOK {
		t.Errorf("another session: %q", answer)
	}

	testkit.Eventually(t, "those who stalled are gone", func() bool { return s.Info().Attached == 1 })
	hangUpAll()
	testkit.Eventually(t, "nothing of them is left", func() bool { return runtime.NumGoroutine() <= before+10 })
	if answer := rawStream(t, tcp, request("GET", "/?session=s", "")); status(answer) != http.StatusOK {
		t.Errorf("a client that comes afterwards: %q", answer)
	}
	last := add(t, s, ring.Event{Data: []byte("last")})
	want(t, reading, last)
}

// stall connects clients that ask for session s and read the head of the answer alone. Those who
// are not let in are told why.
func stall(t *testing.T, listener *pipes, clients int) (admitted int, hangUp func()) {
	t.Helper()
	conns := make([]net.Conn, clients)
	for i := range conns {
		var code int
		conns[i], code = listener.dial(t, "GET /?session=s HTTP/1.1\r\nHost: x\r\n\r\n")
		switch code {
		case http.StatusOK:
			admitted++
		case http.StatusTooManyRequests:
		default:
			t.Fatalf("client %d: status %d", i, code)
		}
	}
	return admitted, func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
}

// The SDK writes without deadlines, and the tool waits while it writes; Middleware gives each write
// its time.
func TestAStalledMCPClientDoesNotHoldItsTool(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	done := make(chan error, 1)
	var sent atomic.Int64
	mcp.AddTool(
		b.server,
		&mcp.Tool{Name: "shout"},
		func(ctx context.Context, r *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			var err error
			for i := 0; i < 400 && err == nil; i++ {
				err = r.Session.NotifyProgress(
					ctx,
					&mcp.ProgressNotificationParams{
						ProgressToken: "p",
						Progress:      float64(i),
						Message:       strings.Repeat("x", 64<<10),
					},
				)
				sent.Store(int64(i))
			}
			done <- err
			return nil, nil, err
		},
	)
	session, _ := begin(t, b, "")
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(4096)
	conn.Write(
		[]byte(
			post(
				session,
				"",
				`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shout","arguments":{},"_meta":{"progressToken":"p"}}}`,
			),
		),
	)
	timer := time.NewTimer(6 * replay.DefaultWriteTimeout)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the tool's notifications fail: %v", err)
		}
	case <-timer.C:
		t.Fatalf("the tool is stuck after %d notifications", sent.Load())
	}
	testkit.Eventually(t, "the stalled request is detached", func() bool { return b.manager.Stats().Attached == 0 })
}

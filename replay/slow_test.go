package replay

import (
	"bytes"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// An event may take longer than WriteTimeout if its client reads steadily; one that stops reading
// is gone after WriteTimeout.
func TestATimeoutIsAboutProgressAndNotAboutSize(t *testing.T) {
	const size, timeout = 6 << 20, 2 * time.Second
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEventBytes: size, MaxBytes: 2 * size}})
	s := create(t, m, "s", "")
	must(s.Append(ring.Event{Data: bytes.Repeat([]byte("x"), size)}))
	h := &Handler{Store: Local(m), WriteTimeout: timeout, KeepAlive: -1}
	srv := serve(t, h, false, func(srv *httptest.Server) { srv.Listener = testkit.Narrow(srv.Listener) })

	begun := time.Now()
	conn := must(net.Dial("tcp", srv.Listener.Addr().String())).(*net.TCPConn)
	defer conn.Close()
	conn.SetReadBuffer(testkit.NarrowBuffer)
	must(io.WriteString(conn, "GET /?session=s HTTP/1.1\r\nHost: x\r\n\r\n"))
	pace := time.NewTicker(6 * time.Millisecond)
	defer pace.Stop()
	read, buf := 0, make([]byte, 16<<10)
	for read < size {
		<-pace.C
		n, err := conn.Read(buf)
		if read += n; err != nil {
			t.Fatalf("cut after %d bytes and %v: %v", read, time.Since(begun), err)
		}
	}
	if took := time.Since(begun); took < timeout {
		t.Errorf("everything arrived in %v: the client was not slow, and the test does not test", took)
	}
	testkit.Eventually(t, "it has been written", func() bool { return h.Stats().Events == 1 })

	must(s.Append(ring.Event{Data: bytes.Repeat([]byte("y"), size)})) // from here on the client reads nothing
	testkit.Eventually(t, "who stops reading is gone", func() bool { return s.Info().Attached == 0 })
	equal(t, "slow", h.Stats().Slow, 1)
}

package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// One op is one event of 256 bytes appended to one session and read by all clients that follow it
// over HTTP on the loopback interface, each through a connection of its own; the clients' side is
// in the figures. The floor is net/http with a handler that writes the same bytes and flushes, told
// by the ring by hand.
func BenchmarkHTTPFollowers(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("followers=%d/floor=net-http", n), func(b *testing.B) {
			l, stop := NewByHand(retain), make(chan struct{})
			line := replay.AppendSSE(nil, ring.Event{ID: "k3v9x2m7q4-1234567", Data: Payload(256)})
			serve(b, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				c := http.NewResponseController(w)
				followByHand(l, stop, func(ByHandEvent) {
					w.Write(line)
					c.Flush()
				})
			}), func(data []byte) { l.AppendCopy(data) }, func() { close(stop) })
		})
		b.Run(fmt.Sprintf("followers=%d/handler", n), func(b *testing.B) {
			m := newManager(b, 1, retain)
			s := newSession(b, m, "followed")
			h := &replay.Handler{Store: replay.Local(m)}
			serve(b, n, h, func(data []byte) { must(s.Append(ring.Event{Data: data})) }, s.Terminate)
		})
	}
}

func serve(b *testing.B, n int, h http.Handler, appendTo func([]byte), stop func()) {
	server := httptest.NewServer(h)
	defer server.Close()
	client := server.Client()
	fanOut(b, n, 1, func(_ int, seen func()) {
		resp, err := client.Get(server.URL + "?session=followed")
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewReader(resp.Body)
		for {
			line, err := lines.ReadSlice('\n')
			if err != nil {
				return
			}
			if bytes.HasPrefix(line, []byte("data: ")) {
				seen()
			}
		}
	}, func(_ int, data []byte) { appendTo(data) }, stop)
}

package measure

import (
	"bytes"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// sse measures 4 KiB on a single line taken out of 8 MiB of such events, one after the other, as a
// replay takes them. One op is:
//
//	encode: an event written in the event-stream format into a buffer that is large enough
//	memcpy: its bytes copied there
func sse(_ peers.Contestant, z Sizes, r Result) {
	const size, events = 4 << 10, 8 << 20 / (4 << 10)
	log, dst, next := bytes.Repeat(bench.Payload(size), events), make([]byte, 0, 2*size), 0
	data := func() []byte {
		if next == events {
			next = 0
		}
		next++
		return log[(next-1)*size : next*size]
	}
	e := ring.Event{ID: "k3v9x2m7q4-1234567", Type: "message"}
	r.put(z.Window,
		work{"encode", func(n int) {
			for range n {
				e.Data = data()
				dst = replay.AppendSSE(dst[:0], e)
			}
		}},
		work{"memcpy", func(n int) {
			for range n {
				dst = append(dst[:0], data()...)
			}
		}})
}

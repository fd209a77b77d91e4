package bench

import (
	"bytes"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// One op is one event written in the event-stream format into a buffer that is large enough; MB/s
// counts payload. lines=1 is a payload on a single line, lines=64 one in lines of 63 bytes. The
// floor is the copy of the payload. from=log takes one event after the other from 8 MiB, as who
// replays does; otherwise it is the same event each time, and all of it in the first cache.
func BenchmarkSSE(b *testing.B) {
	for _, p := range []struct {
		name   string
		data   []byte
		events int
	}{
		{"size=64/lines=1", Payload(64), 1},
		{"size=256/lines=1", Payload(256), 1},
		{"size=4096/lines=1", Payload(4096), 1},
		{"size=4096/lines=1/from=log", Payload(4096), 2048},
		{"size=4096/lines=64", Lines(4096), 1},
		{"size=4096/lines=64/from=log", Lines(4096), 2048},
	} {
		log, size, next := bytes.Repeat(p.data, p.events), len(p.data), 0
		data := func() []byte {
			if next == p.events {
				next = 0
			}
			next++
			return log[(next-1)*size : next*size]
		}
		dst := make([]byte, 0, 8192)
		b.Run(p.name+"/floor=memcpy", func(b *testing.B) {
			b.SetBytes(int64(len(p.data)))
			b.ReportAllocs()
			for b.Loop() {
				dst = append(dst[:0], data()...)
			}
		})
		b.Run(p.name+"/encode", func(b *testing.B) {
			e := ring.Event{ID: "k3v9x2m7q4-1234567", Type: "message"}
			b.SetBytes(int64(len(p.data)))
			b.ReportAllocs()
			for b.Loop() {
				e.Data = data()
				dst = replay.AppendSSE(dst[:0], e)
			}
		})
	}
}

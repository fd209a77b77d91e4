package bench

import (
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// One op is one event written in the event-stream format into a buffer that is large enough; MB/s counts payload. lines=1 is a payload on a
// single line, lines=64 one in lines of 63 bytes. The floor is the copy of the payload.
func BenchmarkSSE(b *testing.B) {
	for _, p := range []struct {
		name string
		data []byte
	}{
		{"size=64/lines=1", Payload(64)},
		{"size=256/lines=1", Payload(256)},
		{"size=4096/lines=1", Payload(4096)},
		{"size=4096/lines=64", Lines(4096)},
	} {
		dst := make([]byte, 0, 8192)
		b.Run(p.name+"/floor=memcpy", func(b *testing.B) {
			b.SetBytes(int64(len(p.data)))
			b.ReportAllocs()
			for b.Loop() {
				dst = append(dst[:0], p.data...)
			}
		})
		b.Run(p.name+"/encode", func(b *testing.B) {
			e := ring.Event{ID: "k3v9x2m7q4-1234567", Type: "message", Data: p.data}
			b.SetBytes(int64(len(p.data)))
			b.ReportAllocs()
			for b.Loop() {
				dst = replay.AppendSSE(dst[:0], e)
			}
		})
	}
}

package gosdk

import (
	"context"
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/shard"
)

func size(n int) string { return fmt.Sprintf("streams=%d", n) }

// One op is one Append of 256 bytes; a handler's context is cancellable, as a rule.
func BenchmarkAppend(b *testing.B) {
	payload := make([]byte, 256)
	for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": b.Context()} {
		b.Run(name, func(b *testing.B) {
			es := newStore(b, shard.Config{})
			mustOpen(b, es, "S", "K2YJ5QKJ3ZQWXPPXHFTS3ZDVXE")
			b.ReportAllocs()
			for b.Loop() {
				if err := es.Append(ctx, "S", "K2YJ5QKJ3ZQWXPPXHFTS3ZDVXE", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One op is one Append of 256 bytes to one stream beside others that are drained.
func BenchmarkAppendBesideDrainedStreams(b *testing.B) {
	for _, drained := range []int{0, 1000, 100_000} {
		b.Run(size(drained), func(b *testing.B) {
			es := newStore(b, shard.Config{})
			mustOpen(b, es, "S", "hot")
			for i := range drained {
				mustOpen(b, es, "S", fmt.Sprint(i))
				mustAppend(b, es, "S", fmt.Sprint(i), 0, 1)
			}
			payload := make([]byte, 256)
			b.ReportAllocs()
			for b.Loop() {
				if err := es.Append(context.Background(), "S", "hot", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewSessionID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		NewSessionID()
	}
}

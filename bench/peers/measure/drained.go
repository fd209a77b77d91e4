package measure

import (
	"context"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// drained measures one busy stream of an MCP session in which other streams have been, one for each
// request of the past, all of whose events are gone by now. One op of drained.1000 is an event
// appended when there have been 1000. Both contestants are an mcp.EventStore, Reprise by way of
// contrib/gosdk.
func drained(c peers.Contestant, z Sizes, r Result) {
	payload, ctx := bench.Payload(z.Payload), context.Background()
	for _, streams := range z.Drained {
		store, drain, done := drainable(c, z)
		for i := range streams {
			name := fmt.Sprint("s", i)
			must(0, store.Open(ctx, "session", name))
			must(0, store.Append(ctx, "session", name, []byte(name)))
		}
		drain()
		must(0, store.Open(ctx, "session", "busy"))
		fresh := func() []byte { return payload }
		if c.Name == peers.GoSDK {
			fresh = func() []byte { return append([]byte(nil), payload...) }
		}
		for range z.Retain + 1 {
			must(0, store.Append(ctx, "session", "busy", fresh()))
		}
		r.put(z.Window, work{fmt.Sprint("drained.", streams), func(n int) {
			for range n {
				must(0, store.Append(ctx, "session", "busy", fresh()))
			}
		}})
		done()
	}
}

// drainable returns a store that retains as much as one session does, and a function after which no
// event from before is left.
func drainable(c peers.Contestant, z Sizes) (store mcp.EventStore, drain, done func()) {
	if c.Name == peers.GoSDK {
		mem, bound := mcp.NewMemoryEventStore(nil), z.Retain*z.Payload
		mem.SetMaxBytes(1 << 30)
		return mem, func() {
			mem.SetMaxBytes(1)
			mem.SetMaxBytes(bound)
		}, func() {}
	}
	m := must(shard.New(shard.Config{Ring: ring.Config{MaxEvents: z.Retain}}))
	return gosdk.New(replay.Local(m)), func() {}, func() { m.Close() }
}

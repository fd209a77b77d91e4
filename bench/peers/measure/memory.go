package measure

import (
	"runtime"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// memory weighs what only Reprise's targets speak of, in bytes as the allocator rounds them:
//
//	empty, ten: a ring without events, and with ten of 100 bytes
//	full: what a ring of 1000 events takes beyond payloads and IDs, per event, having dropped 0 to
//	    500 others
//	idle: a session without events, with all that the manager keeps for it
func memory(c peers.Contestant, z Sizes, r Result) {
	newRing := func() *ring.Ring { return must(ring.New(ring.Config{MaxEvents: z.Retain, MaxBytes: 1 << 30})) }
	small, payload := bench.Payload(100), bench.Payload(z.Payload)
	r["empty.bytes"] = weigh(z.Weighed, func(int) any { return newRing() })
	r["ten.bytes"] = weigh(z.Weighed, func(int) any {
		l, id := newRing(), eventIDs(c, 1, z.Retain)
		for range 10 {
			must(l.Append(ring.Event{ID: id(0), Data: small}))
		}
		return l
	})
	content := 0
	n := z.Weighed / 10
	full := weigh(n, func(i int) any {
		l, id := newRing(), eventIDs(c, 1, z.Retain)
		dropped := i * 7919 % (z.Retain / 2)
		for k := range z.Retain + dropped {
			if e := must(l.Append(ring.Event{ID: id(0), Data: payload})); k >= dropped {
				content += len(e.ID) + len(e.Data)
			}
		}
		return l
	})
	r["full.bytes"] = (full*float64(n) - float64(content)) / float64(n*z.Retain)

	ids := bench.NewIDs(z.Weighed, 5)
	before := bench.HeapNow()
	m := must(shard.New(shard.Config{MaxSessions: z.Weighed}))
	for s := range z.Weighed {
		must(m.CreateWithID(ids.At(s), shard.Metadata{}))
	}
	r["idle.bytes"] = float64(before.Since().Bytes) / float64(z.Weighed)
	m.Close()
}

// weigh returns how many bytes each of n things takes.
func weigh(n int, thing func(i int) any) float64 {
	held := make([]any, n)
	before := bench.HeapNow()
	for i := range held {
		held[i] = thing(i)
	}
	grown := before.Since()
	runtime.KeepAlive(held)
	return float64(grown.Bytes) / float64(n)
}

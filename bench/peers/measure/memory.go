package measure

import (
	"fmt"
	"runtime"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// memory weighs what only Reprise's targets speak of, in bytes as the allocator rounds them:
//
//	empty, ten: a ring without events, and with ten of 100 bytes
//	full.256 and so on: what a ring of 1000 events of that many bytes takes beyond payloads and
//	    IDs, per event, having dropped 0 to 500 others; with own IDs at one size
//	idle, idle.ten: a session without events, and with ten of 100 bytes, with all that the manager
//	    keeps for it
func memory(c peers.Contestant, z Sizes, r Result) {
	small := bench.Payload(100)
	r["empty.bytes"] = weigh(z.Weighed, func(int) any { return newRing(z) })
	r["ten.bytes"] = weigh(z.Weighed, func(int) any {
		l, id := newRing(z), eventIDs(c, 1, z.Retain)
		for range 10 {
			must(l.Append(ring.Event{ID: id(0), Data: small}))
		}
		return l
	})
	sizes := z.Payloads
	if c.OwnIDs {
		sizes = []int{z.Payload}
	}
	for _, size := range sizes {
		r[fmt.Sprintf("full.%d.bytes", size)] = overhead(c, z, size)
	}
	r["idle.bytes"] = weighSessions(z, func(*shard.Session) {})
	r["idle.ten.bytes"] = weighSessions(z, func(s *shard.Session) {
		id := eventIDs(c, 1, z.Retain)
		for range 10 {
			must(s.Append(ring.Event{ID: id(0), Data: small}))
		}
	})
}

// overhead returns what an event of so many bytes takes in a full ring beyond its payload and ID.
// It takes as many rings as fill a quarter of a gigabyte, and no more than a tenth of what is
// weighed otherwise.
func overhead(c peers.Contestant, z Sizes, size int) float64 {
	content, payload := 0, bench.Payload(size)
	n := min(z.Weighed/10, max(10, 256<<20/(z.Retain*size)))
	full := weigh(n, func(i int) any {
		l, id := newRing(z), eventIDs(c, 1, z.Retain)
		dropped := i * 7919 % (z.Retain / 2)
		for k := range z.Retain + dropped {
			if e := must(l.Append(ring.Event{ID: id(0), Data: payload})); k >= dropped {
				content += len(e.ID) + len(e.Data)
			}
		}
		return l
	})
	return (full*float64(n) - float64(content)) / float64(n*z.Retain)
}

// weighSessions returns how many bytes a session takes that has been put to use.
func weighSessions(z Sizes, use func(*shard.Session)) float64 {
	ids := bench.NewIDs(z.Weighed, 5)
	before := bench.HeapNow()
	m := must(shard.New(shard.Config{MaxSessions: z.Weighed}))
	defer m.Close()
	for s := range z.Weighed {
		use(must(m.CreateWithID(ids.At(s), shard.Metadata{})))
	}
	return float64(before.Since().Bytes) / float64(z.Weighed)
}

func newRing(z Sizes) *ring.Ring {
	return must(ring.New(ring.Config{MaxEvents: z.Retain, MaxBytes: 1 << 30}))
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

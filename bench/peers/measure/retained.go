package measure

import (
	"runtime/debug"
	"slices"
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
)

// retained measures four million events that are there, in sessions of a thousand:
//
//	collect.ns: the time of a full collection
//	objects: on the heap
//	overhead.bytes: what an event takes beyond its payload, event ID included
//	tail.p50 and so on: an event appended to a session at random by session ID, each one timed for
//	    itself, until the collector has worked twice meanwhile (tail.cycles), but not for ever
func retained(c peers.Contestant, z Sizes, r Result) {
	sessions := max(z.Retained/z.Retain, 1)
	before := bench.HeapNow()
	cfg := peers.Config{Sessions: sessions, Retain: z.Retain, Payload: z.Payload}
	s := c.Open(cfg)
	defer s.Close()
	payload, ids := bench.Payload(z.Payload), bench.NewOwnIDs(sessions, z.Retain)
	fill(c, cfg, func(session int) { s.Append(session, ids.Next(session), payload) })

	grown := before.Since()
	r["objects"] = float64(grown.Objects)
	r["overhead.bytes"] = float64(grown.Bytes)/float64(sessions*z.Retain) - float64(z.Payload)
	r["collect.ns"] = collection()

	bench.Warm(grown.Bytes * 2 * tailPercent / 100)
	order := bench.Random(sessions, 1)
	defer debug.SetGCPercent(debug.SetGCPercent(tailPercent))
	var h bench.Histogram
	cycles := bench.Cycles()
	for rounds := 0; rounds == 0 || rounds < 4 && bench.Cycles() < cycles+2; rounds++ {
		for i := range z.Ops {
			session := int(order[i%len(order)])
			start := time.Now()
			s.Append(session, ids.Next(session), payload)
			h.Record(time.Since(start))
		}
	}
	r.putHistogram("tail", &h)
	r["tail.cycles"] = float64(bench.Cycles() - cycles)
}

// tailPercent makes the collector work ten times as often as it normally would, so that it works
// while appends are timed and nobody has to append gigabytes for that.
const tailPercent = 10

// collection returns how long a full collection takes: the median of five, or of fewer where that
// takes more than a second.
func collection() float64 {
	var ns []float64
	for start := time.Now(); len(ns) < windows && (len(ns) == 0 || time.Since(start) < time.Second); {
		ns = append(ns, float64(bench.Collect()))
	}
	slices.Sort(ns)
	return ns[len(ns)/2]
}

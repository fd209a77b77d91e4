package measure

import (
	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
)

// session measures one session that retains a thousand events. One op is:
//
//	replay: ten events replayed to a client that gives the ID of the one before them
//	append: an event appended by session ID; append.held: to a session that the caller holds
//	batch: one event of sixteen that are appended at once to a session that the caller holds
//	contended: append.held on eight goroutines; the figure is the time between two appends of all
//	    of them together
//	contended.p99.9: one append of the eight
//
// Replay comes first, before stores that forget nothing have grown.
func session(c peers.Contestant, z Sizes, r Result) {
	s := c.Open(peers.Config{Sessions: 1, Retain: z.Retain, Payload: z.Payload})
	defer s.Close()
	payload, ids := bench.Payload(z.Payload), bench.NewOwnIDs(1, z.Retain)
	for range filling(c, z.Retain) - 11 {
		s.Append(0, ids.Next(0), payload)
	}
	last := s.AppendID(0, ids.Next(0), payload)
	for range 10 {
		s.Append(0, ids.Next(0), payload)
	}
	r.put(z.Window, work{"replay", func(n int) {
		for range n {
			if n := s.Replay(0, last); n != 10 {
				panic(n)
			}
		}
	}})
	appendHeld := s.Append
	works := []work{{"append", toOne(s.Append, ids, payload)}}
	if h, ok := s.(peers.Holder); ok {
		appendHeld = h.AppendHeld
		works = append(works, work{"append.held", toOne(appendHeld, ids, payload)})
	}
	if b, ok := s.(peers.Batcher); ok && !c.OwnIDs {
		if batch := b.Batch(0, batchSize, payload); batch != nil {
			works = append(works, work{"batch", func(n int) {
				for range max(1, n/batchSize) {
					batch()
				}
			}})
		}
	}
	r.put(z.Window, works...)

	own := ownForWriters(z)
	r.put(z.Window, work{"contended", func(n int) {
		split(z.Writers, n+z.Writers, func(w, n int) {
			for range n {
				appendHeld(0, own[w].Next(0), payload)
			}
		})
	}})
	r.putQuantiles("contended", z.Writers, z.Ops/2, func(w, _ int) { appendHeld(0, own[w].Next(0), payload) })
}

// batchSize is how many events are appended at once.
const batchSize = 16

// toOne appends n events to the one session.
func toOne(appendTo func(int, string, []byte), ids *bench.OwnIDs, payload []byte) func(n int) {
	return func(n int) {
		for range n {
			appendTo(0, ids.Next(0), payload)
		}
	}
}

// filling is how many events fill a session: for bounded ones, more than it retains.
func filling(c peers.Contestant, retain int) int {
	if c.Unbounded {
		return retain
	}
	return retain + retain/4
}

// ownForWriters returns event IDs for each writer of a session, none of which another one has.
func ownForWriters(z Sizes) []*bench.OwnIDs {
	own := make([]*bench.OwnIDs, z.Writers)
	for w := range own {
		own[w] = bench.NewOwnIDsOf(1, z.Retain, uint64(100+w))
	}
	return own
}

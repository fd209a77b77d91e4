package measure

import (
	"runtime"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
)

// fleet measures 10,000 sessions that retain 200 events each, far more than the caches hold. One op
// is:
//
//	random, bursts: an event appended to a session at random, or at random in bursts of 16, by
//	    session ID
//	random.held, bursts.held: to sessions that the caller holds
//	parallel: random, one goroutine for each processor, the time between two appends of all of
//	    them together
func fleet(c peers.Contestant, z Sizes, r Result) {
	s := c.Open(peers.Config{Sessions: z.Sessions, Retain: z.Each, Payload: z.Payload})
	defer s.Close()
	payload, ids := bench.Payload(z.Payload), bench.NewOwnIDs(z.Sessions, z.Each)
	fill(c, z.Sessions, z.Each, func(session int) { s.Append(session, ids.Next(session), payload) })
	bench.Warm(min(bench.HeapNow().Bytes, z.Memory/4))

	random := bench.Random(z.Sessions, 1)
	for _, o := range []struct {
		name  string
		order []uint32
	}{{"random", random}, {"bursts", bench.Bursts(z.Sessions, 16, 2)}} {
		r.put(o.name, z.Window, appender(s.Append, o.order, ids, payload))
		if h, ok := s.(peers.Holder); ok {
			r.put(o.name+".held", z.Window, appender(h.AppendHeld, o.order, ids, payload))
		}
	}
	workers := runtime.GOMAXPROCS(0)
	r.put("parallel", z.Window, func(n int) {
		split(workers, n+workers, func(w, n int) {
			at := w * len(random) / workers
			for range n {
				// Workers share no session: each connection has a goroutine of its own.
				session := min(int(random[at])/workers*workers+w, z.Sessions-1)
				s.Append(session, ids.Next(session), payload)
				if at++; at == len(random) {
					at = 0
				}
			}
		})
	})
}

// fill brings sessions to where they retain so many events each.
func fill(c peers.Contestant, sessions, retain int, appendTo func(session int)) {
	if !c.Unbounded {
		bench.Fill(sessions, retain, appendTo)
		return
	}
	for range retain {
		for session := range sessions {
			appendTo(session)
		}
	}
}

// appender appends n events, going on in the order where it has stopped the time before.
func appender(appendTo func(int, string, []byte), order []uint32, ids *bench.OwnIDs, payload []byte) func(n int) {
	at := 0
	return func(n int) {
		for range n {
			session := int(order[at])
			if at++; at == len(order) {
				at = 0
			}
			appendTo(session, ids.Next(session), payload)
		}
	}
}

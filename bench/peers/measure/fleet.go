package measure

import (
	"runtime"
	"runtime/debug"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
)

// fleet and mixed measure 10,000 sessions, far more than the caches hold, that retain 100 events
// each in fleet and 200 to 1000 in mixed. One op is:
//
//	random, bursts, turn: an event appended to a session at random, at random in bursts of 16, or
//	    to one after the other, by session ID
//	random.held, bursts.held, turn.held: to sessions that the caller holds
//	parallel: random, one goroutine for each processor, the time between two appends of all of
//	    them together
func fleet(c peers.Contestant, z Sizes, r Result) { manySessions(c, z, z.Each, 0, r) }
func mixed(c peers.Contestant, z Sizes, r Result) { manySessions(c, z, z.Least, z.Most, r) }

func manySessions(c peers.Contestant, z Sizes, retain, most int, r Result) {
	cfg := peers.Config{Sessions: z.Sessions, Retain: retain, Most: most, Payload: z.Payload}
	s := c.Open(cfg)
	defer s.Close()
	payload, ids := bench.Payload(z.Payload), bench.NewOwnIDs(z.Sessions, max(retain, most))
	fill(c, cfg, func(session int) { s.Append(session, ids.Next(session), payload) })
	bench.Warm(min(bench.HeapNow().Bytes, z.Memory/4))

	random := bench.Random(z.Sessions, 1)
	var works []work
	for _, o := range []struct {
		name  string
		order []uint32
	}{{"random", random}, {"bursts", bench.Bursts(z.Sessions, 16, 2)}, {"turn", bench.InTurn(z.Sessions)}} {
		works = append(works, work{o.name, appender(s.Append, o.order, ids, payload)})
		if h, ok := s.(peers.Holder); ok {
			works = append(works, work{o.name + ".held", appender(h.AppendHeld, o.order, ids, payload)})
		}
	}
	workers := runtime.GOMAXPROCS(0)
	works = append(works, work{"parallel", func(n int) {
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
	}})
	r.put(z.Window, works...)
}

// fill brings sessions to where they retain what they are to retain. It is not measured, and the
// collector works less meanwhile.
func fill(c peers.Contestant, cfg peers.Config, appendTo func(session int)) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	if c.Unbounded {
		bench.InTurnUpTo(cfg.Sessions, cfg.RetainOf, appendTo)
		return
	}
	bench.FillEach(cfg.Sessions, cfg.RetainOf, appendTo)
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

package measure

import (
	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// reads measures what only Reprise's targets speak of, on a session of a thousand events and one of
// a hundred thousand. One op is:
//
//	next: an event read by a cursor
//	seek10: Seek on a held session and Next for ten events and until there is nothing left;
//	    seek10.far: in the larger session
//	get, touch, seek: that call
func reads(c peers.Contestant, z Sizes, r Result) {
	near, nearID := readable(c, z, z.Retain)
	far, farID := readable(c, z, z.Far)
	m := must(shard.New(shard.Config{}))
	defer m.Close()
	id := must(m.Create(shard.Metadata{})).ID()
	r.put(z.Window,
		work{"next", func(n int) {
			cur := must(near.Seek(""))
			var e ring.Event
			for range n {
				if !cur.Next(&e) {
					cur = must(near.Seek(""))
				}
			}
		}},
		work{"seek10", func(n int) { seek10(near, nearID, n) }},
		work{"seek10.far", func(n int) { seek10(far, farID, n) }},
		work{"seek", func(n int) {
			for range n {
				must(near.Seek(nearID))
			}
		}},
		work{"get", func(n int) {
			for range n {
				must(m.Get(id))
			}
		}},
		work{"touch", func(n int) {
			for range n {
				must(0, near.Touch())
			}
		}})
}

func seek10(s *shard.Session, lastEventID string, n int) {
	var e ring.Event
	for range n {
		cur, read := must(s.Seek(lastEventID)), 0
		for cur.Next(&e) {
			read++
		}
		if read != 10 {
			panic(read)
		}
	}
}

// readable returns a full session, and the ID of the event that ten others follow.
func readable(c peers.Contestant, z Sizes, retain int) (*shard.Session, string) {
	m := must(shard.New(shard.Config{Ring: ring.Config{MaxEvents: retain, MaxBytes: 1 << 30}}))
	s := must(m.Create(shard.Metadata{}))
	ids, payload, last := eventIDs(c, 1, retain), bench.Payload(z.Payload), ""
	for i := range filling(c, retain) {
		e := must(s.Append(ring.Event{ID: ids(0), Data: payload}))
		if i == filling(c, retain)-11 {
			last = e.ID
		}
	}
	return s, last
}

// eventIDs returns the producers' IDs for so many sessions, or none for a contestant that assigns
// them.
func eventIDs(c peers.Contestant, sessions, retain int) func(session int) string {
	if !c.OwnIDs {
		return func(int) string { return "" }
	}
	return bench.NewOwnIDs(sessions, retain).Next
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

package bench

import (
	"flag"
	"runtime"
	"testing"

	"github.com/puzpuzpuz/xsync/v3"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

var (
	fleetSize   = flag.Int("sessions", 10_000, "sessions in the benchmarks that visit many")
	fleetRetain = flag.Int("retain", 100, "events that each of them retains")
)

// One op is one event of 256 bytes appended to one of 10,000 sessions, each of which retains 100
// events already (-sessions, -retain): in turn, at random, or at random in bursts of 16. Runs in
// parallel, one goroutine per processor, each with sessions of its own.
//
// session is a session that the caller holds, manager finds it by its ID. The floors: mapof is the
// lookup of a session's ID in an xsync.MapOf and nothing else, pages the copy of the payload into
// one of 10,000 pages, byhand is a mutex and a slice per session with a copy of the payload, held
// or found in a map under an RWMutex.
func BenchmarkSessions(b *testing.B) {
	n, max := *fleetSize, *fleetRetain
	for _, fleet := range []struct {
		name string
		make func(b *testing.B) func(session int, data []byte)
	}{
		{"floor=mapof", func(*testing.B) func(int, []byte) { return mapFleet(n) }},
		{"floor=pages", func(*testing.B) func(int, []byte) {
			logs := make([]Pages, n)
			return func(s int, data []byte) { logs[s].Append(data) }
		}},
		{"floor=byhand-copy/held", func(*testing.B) func(int, []byte) { return byHandFleet(n, max, true) }},
		{"floor=byhand-copy/by-id", func(*testing.B) func(int, []byte) { return byHandFleet(n, max, false) }},
		{"session/id=assigned", func(b *testing.B) func(int, []byte) { return heldFleet(b, n, max, false) }},
		{"session/id=own", func(b *testing.B) func(int, []byte) { return heldFleet(b, n, max, true) }},
		{"manager/id=assigned", func(b *testing.B) func(int, []byte) { return managedFleet(b, n, max, false) }},
		{"manager/id=own", func(b *testing.B) func(int, []byte) { return managedFleet(b, n, max, true) }},
	} {
		b.Run(fleet.name, func(b *testing.B) {
			appendTo, data := fleet.make(b), Payload(256)
			Fill(n, max, func(s int) { appendTo(s, data) })
			Warm(HeapNow().Bytes)
			for _, o := range []struct {
				name  string
				order []uint32
			}{{"turn", InTurn(n)}, {"random", Random(n, 1)}, {"bursts", Bursts(n, 16, 1)}} {
				b.Run("order="+o.name, func(b *testing.B) {
					var c crew
					b.SetBytes(int64(len(data)))
					b.ReportAllocs()
					b.RunParallel(func(pb *testing.PB) {
						w := c.join(o.order, n, runtime.GOMAXPROCS(0))
						for pb.Next() {
							appendTo(w.next(), data)
						}
					})
				})
			}
		})
	}
}

func mapFleet(n int) func(int, []byte) {
	ids, m := NewIDs(n, 2), xsync.NewMapOf[string, *Pages]()
	for s := range n {
		m.Store(ids.At(s), new(Pages))
	}
	return func(s int, _ []byte) {
		if _, ok := m.Load(ids.At(s)); !ok {
			panic("a session is gone")
		}
	}
}

func byHandFleet(n, max int, held bool) func(int, []byte) {
	ids, store, logs := NewIDs(n, 2), NewByHandStore(), make([]*ByHand, n)
	for s := range logs {
		logs[s] = store.Create(ids.At(s), max)
	}
	if held {
		return func(s int, data []byte) { logs[s].AppendCopy(data) }
	}
	return func(s int, data []byte) { store.Get(ids.At(s)).AppendCopy(data) }
}

func heldFleet(b *testing.B, n, max int, own bool) func(int, []byte) {
	m, ids, sessions := newManager(b, n, max), NewIDs(n, 2), make([]*shard.Session, n)
	for s := range sessions {
		sessions[s] = newSession(b, m, ids.At(s))
	}
	id := eventIDs(n, max, own)
	return func(s int, data []byte) { must(sessions[s].Append(ring.Event{ID: id(s), Data: data})) }
}

func managedFleet(b *testing.B, n, max int, own bool) func(int, []byte) {
	m, ids := newManager(b, n, max), NewIDs(n, 2)
	for s := range n {
		newSession(b, m, ids.At(s))
	}
	id := eventIDs(n, max, own)
	return func(s int, data []byte) { must(must(m.Get(ids.At(s))).Append(ring.Event{ID: id(s), Data: data})) }
}

// eventIDs returns the event IDs of n sessions: none, or the producers' own.
func eventIDs(n, max int, own bool) func(session int) string {
	if !own {
		return func(int) string { return "" }
	}
	return NewOwnIDs(n, max).Next
}

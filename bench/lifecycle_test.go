package bench

import (
	"runtime"
	"testing"

	"github.com/google/uuid"

	"github.com/reprise-go/reprise/shard"
)

// recycle is how many sessions a benchmark makes, or ends, between two pauses in which the clock
// stands still.
const recycle = 10_000

// One op is one session made in a manager that holds up to 10,000 others. minted sessions get a
// UUID, the others bring their ID along. The floors: uuid is the making of an ID, byhand an entry
// in a map under an RWMutex.
func BenchmarkCreate(b *testing.B) {
	ids := NewIDs(recycle, 3)
	b.Run("floor=uuid", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			text = uuid.NewString()
		}
	})
	b.Run("floor=byhand", func(b *testing.B) {
		var s *ByHandStore
		inBatches(b, func() { s = NewByHandStore() }, func(i int) { s.Create(ids.At(i), retain) })
	})
	for _, minted := range []bool{true, false} {
		name, id := "minted", func(int) string { return "" }
		if !minted {
			name, id = "with-id", ids.At
		}
		b.Run(name, func(b *testing.B) {
			m := openManager(recycle, retain)
			inBatches(b, func() {
				m.Close()
				m = openManager(recycle, retain)
			}, func(i int) { must(m.CreateWith(shard.Options{ID: id(i)})) })
			m.Close()
		})
	}
}

// One op is the end of one of up to 10,000 empty sessions, by its ID. The floor is the deletion
// from a map under an RWMutex.
func BenchmarkTerminate(b *testing.B) {
	ids := NewIDs(recycle, 3)
	b.Run("floor=byhand", func(b *testing.B) {
		s := NewByHandStore()
		inBatches(b, func() {
			for i := range recycle {
				s.Create(ids.At(i), retain)
			}
		}, func(i int) { s.Delete(ids.At(i)) })
	})
	b.Run("manager", func(b *testing.B) {
		m := openManager(recycle, retain)
		inBatches(b, func() {
			m.Close()
			m = openManager(recycle, retain)
			for i := range recycle {
				newSession(b, m, ids.At(i))
			}
		}, func(i int) {
			if err := m.Terminate(ids.At(i)); err != nil {
				b.Fatal(err)
			}
		})
		m.Close()
	})
}

// inBatches calls op with 0 to recycle-1 again and again, and before each batch prepare, while the
// clock stands still.
func inBatches(b *testing.B, prepare func(), op func(i int)) {
	b.ReportAllocs()
	i := recycle
	for b.Loop() {
		if i == recycle {
			b.StopTimer()
			prepare()
			runtime.GC() // what the last batch left behind
			i = 0
			b.StartTimer()
		}
		op(i)
		i++
	}
}

// One op is one session found by its ID among 10,000 (-sessions), at random. Runs in parallel. The
// floors: the lookup in a bare xsync.MapOf, and in a map under an RWMutex.
func BenchmarkGet(b *testing.B) {
	n, ids := *fleetSize, NewIDs(*fleetSize, 2)
	store := NewByHandStore()
	for s := range n {
		store.Create(ids.At(s), retain)
	}
	bare := mapFleet(n)
	parallel(b, "floor=mapof", func(s int) { bare(s, nil) })
	parallel(b, "floor=byhand", func(s int) {
		if store.Get(ids.At(s)) == nil {
			panic("a session is gone")
		}
	})
	m, _ := emptySessions(b, n, ids)
	parallel(b, "manager", func(s int) { must(m.Get(ids.At(s))) })
}

// One op is one session touched, of 10,000 (-sessions) at random, held or found by its ID. Runs in
// parallel.
func BenchmarkTouch(b *testing.B) {
	n, ids := *fleetSize, NewIDs(*fleetSize, 2)
	m, sessions := emptySessions(b, n, ids)
	parallel(b, "session", func(s int) { must(0, sessions[s].Touch()) })
	parallel(b, "manager", func(s int) { must(0, must(m.Get(ids.At(s))).Touch()) })
}

func emptySessions(b *testing.B, n int, ids IDs) (*shard.Manager, []*shard.Session) {
	m, sessions := newManager(b, n, retain), make([]*shard.Session, n)
	for s := range sessions {
		sessions[s] = newSession(b, m, ids.At(s))
	}
	return m, sessions
}

// parallel runs op for sessions at random, on each processor for others.
func parallel(b *testing.B, name string, op func(session int)) {
	order := Random(*fleetSize, 1)
	b.Run(name, func(b *testing.B) {
		var c crew
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			w := c.join(order, *fleetSize, runtime.GOMAXPROCS(0))
			for pb.Next() {
				op(w.next())
			}
		})
	})
}

var text string

package bench

import (
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// retain is how many events a session keeps unless a benchmark says otherwise: the default of
// ring.Config.
const retain = 1000

// newManager returns a Manager with room for that many sessions of max events each. Its limits are
// high but they are there, so that what they cost is counted.
func newManager(b testing.TB, sessions, max int) *shard.Manager {
	b.Helper()
	m := openManager(sessions, max)
	b.Cleanup(func() { m.Close() })
	return m
}

// openManager leaves it to the caller to close the manager, which until then is not garbage.
func openManager(sessions, max int) *shard.Manager {
	return must(shard.New(shard.Config{
		MaxSessions: sessions,
		MaxBytes:    64 << 30,
		Ring:        limits(max),
	}))
}

// limits retains max events of up to 8 KiB.
func limits(events int) ring.Config {
	return ring.Config{MaxEvents: events, MaxBytes: max(8<<20, events<<13)}
}

func newRing(b testing.TB, max int) *ring.Ring {
	b.Helper()
	r, err := ring.New(limits(max))
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func newSession(b testing.TB, m *shard.Manager, id string) *shard.Session {
	b.Helper()
	s, err := m.CreateWithID(id, shard.Metadata{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// must is for what cannot fail in a benchmark that measures what it says.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A crew deals out the workers' places in a benchmark that runs in parallel.
type crew struct{ joined atomic.Int32 }

// A walk is one worker's way through an order of sessions. Workers share no session: each
// connection has a goroutine of its own.
type walk struct {
	order   []uint32
	at      int
	worker  int
	workers int
	last    int // place of the last session
}

// join returns the walk of the next worker of so many, who starts somewhere else than the others.
func (c *crew) join(order []uint32, sessions, workers int) *walk {
	worker := int(c.joined.Add(1)-1) % workers
	return &walk{order, worker * len(order) / workers, worker, workers, sessions - 1}
}

// next returns the session to visit.
func (w *walk) next() int {
	s := int(w.order[w.at])
	if w.at++; w.at == len(w.order) {
		w.at = 0
	}
	if w.workers == 1 {
		return s
	}
	if s = s - s%w.workers + w.worker; s > w.last {
		s -= w.workers
	}
	return s
}

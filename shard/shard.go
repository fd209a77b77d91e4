package shard

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"

	"github.com/reprise-go/reprise/internal/clock"
	"github.com/reprise-go/reprise/internal/tally"
	"github.com/reprise-go/reprise/internal/wheel"
)

// cacheLine is how many bytes one processor takes from another at a time: a line, and the one
// beside it, which is fetched along.
const cacheLine = 128

// A shard is a part of a Manager: the sessions whose hash begins with its number. What is read by
// all, written by all, and written by the driver alone lies on lines of its own.
type shard struct {
	// Never written after New, but for watch: when somebody begins to ask for latencies, and when
	// nobody has asked for a while.
	m          *Manager
	clock      *clock.Clock
	stripe     *tally.Stripe
	exactBelow int64                       // see there
	watch      atomic.Pointer[stopwatch]   // nil: nothing is sampled
	sessions   *xsync.MapOf[key, *Session] // every session that answers Info, and some that no longer do

	_ [cacheLine]byte

	refused [reasons]atomic.Uint64 // written by whoever is refused, or told of a gap

	_ [cacheLine]byte

	// Written by whoever creates, ends or attaches a session.
	intake     atomic.Pointer[Session] // newest of the sessions that wait for the driver; see schedule
	created    atomic.Uint64
	terminated atomic.Uint64
	expired    atomic.Uint64
	drained    atomic.Uint64
	attached   atomic.Int64 // readers
	total      atomic.Int64 // sessions in the map, whose own count takes longer the more there are
	extras     atomic.Int64 // bytes of metadata and claims, of the sessions in the map

	_ [cacheLine]byte

	// Used by the driver alone.
	wheel   *wheel.Wheel[*Session]
	waiting *Session // taken from intake, not yet visited

	_ [cacheLine + 48]byte // to whole lines, so that what Append reads of a shard lies on one
}

// A key is a session ID and its hash, computed once for the shard and the map.
type key struct {
	hash uint64
	id   string
}

func (sh *shard) init(m *Manager, stripe uint64) {
	sh.m = m
	sh.clock = m.clock
	sh.exactBelow = exactBelow(m.cfg.Tick, m.grace)
	sh.stripe = m.tally.Stripe(stripe)
	sh.sessions = xsync.NewMapOfWithHasher[key, *Session](func(k key, _ uint64) uint64 { return k.hash })
	sh.wheel = wheel.New[*Session](m.resolution, m.clock.Exact())
}

// remove takes s, which has ended, out of the map. Any number of goroutines may, at any time: the
// first one does.
func (sh *shard) remove(s *Session) {
	removed := false
	sh.sessions.Compute(sh.m.key(s.ID()), func(in *Session, loaded bool) (*Session, bool) {
		removed = loaded && in == s
		return in, removed || !loaded
	})
	if removed {
		sh.total.Add(-1)
		sh.extras.Add(-s.finalMetadata().bytes())
	}
}

// inParallel calls do for every shard, on a few goroutines per processor, the calling one included.
func (m *Manager) inParallel(do func(*shard)) {
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(m.shards)); i = next.Add(1) - 1 {
			do(&m.shards[i])
		}
	}
	var helpers sync.WaitGroup
	for range min(4*runtime.GOMAXPROCS(0), len(m.shards)) - 1 {
		helpers.Go(work)
	}
	work()
	helpers.Wait()
}

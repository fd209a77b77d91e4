package main

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	greedy         = 4    // sessions that take all they can get, one goroutine each
	budgetSessions = 1000 // MaxSessions
	quietSessions  = 100
	quietEvents    = 10
	newcomers      = 100
)

// budget has greedy sessions use up MaxBytes, beside quiet sessions that were there before and
// newcomers that want their guaranteed share:
//
//	reached.ns, free.ns: the processor time of an append to a greedy session, when MaxBytes is
//	    reached, and where there is none but every
//	session may hold as much by itself
//	refused: appends that failed; lost: events of quiet sessions and newcomers that were evicted;
//	    share: the least that a newcomer got
//	over: the most bytes by which the total was above MaxBytes
//
// The total is exact at any moment when it is one counter, so there is one shard.
func budget(z sizes, _ string) figures {
	cfg := shard.Config{Shards: 1, MaxSessions: budgetSessions, MaxBytes: z.Budget}
	cfg.Ring = ring.Config{MaxEvents: 1 << 20, MaxBytes: min(1<<40, math.MaxInt)}
	m := must(shard.New(cfg))
	defer m.Close()
	cfg.MaxBytes, cfg.Ring.MaxBytes = -1, int(z.Budget/2/greedy)
	free := must(shard.New(cfg))
	defer free.Close()
	data := bench.Payload(payload)
	quiet := quietOnes(m, data)
	reachedAppend, freeAppend := greedyAppends(m, data), greedyAppends(free, data)
	over := mostOver(m, z.Budget, func() {
		for range 2 * int(z.Budget) / payload / greedy / 1000 {
			reachedAppend(1000)
			freeAppend(1000)
		}
	})
	var reachedNS, freeNS []float64
	for range 5 {
		reachedNS = append(reachedNS, perOp(processTime, z.Window, reachedAppend)/greedy)
		freeNS = append(freeNS, perOp(processTime, z.Window, freeAppend)/greedy)
	}
	f := figures{
		"reached.ns": median(reachedNS),
		"free.ns":    median(freeNS),
		"ids":        float64(len(must(quiet[0].Append(ring.Event{})).ID)),
	}
	var least, evicted int64
	over = max(over, mostOver(m, z.Budget, func() {
		var wg sync.WaitGroup
		wg.Go(func() { reachedAppend(z.Ops) })
		least, evicted = claimShares(m, z.Budget/2/budgetSessions, data)
		wg.Wait()
	}))
	f["over"], f["share"], f["lost"] = float64(over), float64(least), float64(evicted)
	for _, s := range quiet {
		f["lost"] += float64(s.Info().Log.Evicted)
	}
	return f
}

// quietOnes returns sessions with a few events each.
func quietOnes(m *shard.Manager, data []byte) (quiet []*shard.Session) {
	for range quietSessions {
		s := must(m.Create(shard.Metadata{}))
		for range quietEvents {
			must(s.Append(ring.Event{Data: data}))
		}
		quiet = append(quiet, s)
	}
	return quiet
}

// greedyAppends returns a function that appends n events to each of the greedy sessions, all at
// once. An append that fails panics.
func greedyAppends(m *shard.Manager, data []byte) func(n int) {
	var sessions []*shard.Session
	for range greedy {
		sessions = append(sessions, must(m.Create(shard.Metadata{})))
	}
	return func(n int) {
		var wg sync.WaitGroup
		for _, s := range sessions {
			wg.Go(func() {
				for range n {
					must(s.Append(ring.Event{Data: data}))
				}
			})
		}
		wg.Wait()
	}
}

// mostOver returns the most bytes that were retained beyond the budget while work was done.
func mostOver(m *shard.Manager, budget int64, work func()) (most int64) {
	var done atomic.Bool
	go func() {
		work()
		done.Store(true)
	}()
	for !done.Load() {
		most = max(most, m.Stats().Bytes-budget)
		runtime.Gosched()
	}
	return most
}

// claimShares fills new sessions up to their guaranteed share, and returns the least bytes that one
// of them retains, and how many of their events were evicted.
func claimShares(m *shard.Manager, share int64, data []byte) (least, evicted int64) {
	least = share
	for range newcomers {
		s := must(m.Create(shard.Metadata{}))
		for full := false; !full; {
			e := must(s.Append(ring.Event{Data: data}))
			full = s.Info().Log.Bytes+int64(e.Size()+ring.Overhead)+1 > share // the next ID may be a byte longer
		}
		log := s.Info().Log
		least, evicted = min(least, log.Bytes), evicted+int64(log.Evicted)
	}
	return least, evicted
}

func budgetRows(z sizes, r results) []row {
	of := func(name string) float64 { return r.of("", name) }
	share := float64(z.Budget / 2 / budgetSessions)
	event := payload + ring.Overhead + of("ids")
	return []row{
		figure("append to the sessions that have used up MaxBytes, and where there is none, processor time",
			nanoseconds(of("reached.ns"))+", "+nanoseconds(of("free.ns"))),
		atMost(
			"the most that the total was over MaxBytes, with five concurrent writers",
			of("over"),
			(greedy+1)*event,
			" B",
		),
		exactly("events that quiet sessions and newcomers lost to greedy ones", of("lost"), 0),
		{
			"the least that a newcomer got, to within an event",
			number(of("share")) + " B",
			"at least " + number(share-event) + " B",
			met(of("share") >= share-event),
		},
	}
}

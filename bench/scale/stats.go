package main

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// stats measures what statistics and the budget cost in processor time, that of the collector
// included, in windows that alternate:
//
//	few.ns, many.ns: Stats of a manager with ten sessions, and with very many
//	wrong: figures that do not agree with what was done, when all is quiet
//	one.ns, shared.ns, own.ns: an append by one goroutine, by one on each processor to sessions of
//	    one manager, and of a manager each
//	growing.ns, unlimited.ns: an append to sessions that grow on all processors, drawing on one
//	    budget, and without one
func stats(z sizes, _ string) figures {
	f := figures{"wrong": float64(len(miscounted()))}
	few, many := open(10, retain), open(z.Expiring, retain)
	for range 10 {
		must(few.Create(shard.Metadata{}))
	}
	for range z.Expiring {
		must(many.Create(shard.Metadata{}))
	}
	ask := func(m *shard.Manager) func(int) {
		return func(n int) {
			for range n {
				m.Stats()
			}
		}
	}
	f.alternate(z.Window, map[string]load{"few": {ask(few), 1}, "many": {ask(many), 1}})
	few.Close()
	many.Close()

	processors := runtime.GOMAXPROCS(0)
	together := open(1<<20, retain)
	defer together.Close()
	var shared, own []func(n int)
	for range processors {
		m := open(1<<20, retain)
		defer m.Close()
		shared, own = append(shared, appendsTo(together)), append(own, appendsTo(m))
	}
	f.alternate(z.Window, map[string]load{"one": {own[0], 1}, "shared": onEach(shared), "own": onEach(own)})

	unlimited := must(
		shard.New(shard.Config{MaxSessions: -1, MaxBytes: -1, Linger: -1, Ring: ring.Config{MaxEvents: 1 << 20}}),
	)
	limited := must(
		shard.New(shard.Config{MaxSessions: -1, MaxBytes: 64 << 30, Linger: -1, Ring: ring.Config{MaxEvents: 1 << 20}}),
	)
	defer unlimited.Close()
	defer limited.Close()
	grow := func(m *shard.Manager) load {
		return onEach(slices.Repeat([]func(int){func(n int) { growing(m, n) }}, processors))
	}
	f.alternate(z.Window, map[string]load{"growing": grow(limited), "unlimited": grow(unlimited)})
	return f
}

// A load is work that makes ops calls for each of n.
type load struct {
	run func(n int)
	ops float64
}

// alternate measures loads in windows that take turns, and records the median of each as name.ns.
func (f figures) alternate(window time.Duration, loads map[string]load) {
	took := make(map[string][]float64)
	for range 9 {
		for name, w := range loads {
			took[name] = append(took[name], perOp(processTime, window, w.run)/w.ops)
		}
	}
	for name, ns := range took {
		f[name+".ns"] = median(ns)
	}
}

// appendsTo returns a function that appends n events to 16 sessions in turn.
func appendsTo(m *shard.Manager) func(n int) {
	sessions, data, at := make([]*shard.Session, 16), bench.Payload(payload), 0
	for i := range sessions {
		sessions[i] = must(m.Create(shard.Metadata{}))
		for range retain + i*7919%retain {
			must(sessions[i].Append(ring.Event{Data: data}))
		}
	}
	return func(n int) {
		for range n {
			must(sessions[at].Append(ring.Event{Data: data}))
			at = (at + 1) % len(sessions)
		}
	}
}

// growing appends n events to a new session.
func growing(m *shard.Manager, n int) {
	s, data := must(m.Create(shard.Metadata{})), bench.Payload(payload)
	for range n {
		must(s.Append(ring.Event{Data: data}))
	}
	s.Terminate()
}

// onEach has all of them done at once, each for a while.
func onEach(work []func(n int)) load {
	const while = 5
	return load{func(n int) {
		var wg sync.WaitGroup
		for _, w := range work {
			wg.Go(func() { w(while * n) })
		}
		wg.Wait()
	}, float64(while * len(work))}
}

func statsRows(z sizes, r results) []row {
	ns := func(name string) float64 { return r.of("", name+".ns") }
	return []row{
		figure("Stats with 10 sessions, with "+short(z.Expiring), nanoseconds(ns("few"))+", "+nanoseconds(ns("many"))),
		atMost("the latter by the former", ns("many")/ns("few"), 1.25, ""),
		exactly("counters that are wrong when all is quiet", r.of("", "wrong"), 0),
		figure("append by one goroutine; by one on each processor to one manager, to a manager each",
			nanoseconds(ns("one"))+"; "+nanoseconds(ns("shared"))+", "+nanoseconds(ns("own"))),
		atMost("what sharing a manager costs: the last two's ratio", ns("shared")/ns("own"), 1.1, ""),
		figure("append to growing sessions on all processors, with MaxBytes and without",
			nanoseconds(ns("growing"))+", "+nanoseconds(ns("unlimited"))),
	}
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	maxFollowers  = 100
	maxRetained   = 128       // events in each session's log; fewer when they are large
	followedLog   = 4096      // events in the log of a session that is followed
	loadMemory    = 512 << 20 // bytes that all logs together may retain
	turnover      = 4096      // appends of a writer between two sessions that it ends and creates anew
	samplePeriod  = 64        // one in this many appends is timed
	smallestEvent = 1         // nanosecond, and the largest latency that the histogram tells
	largestEvent  = int64(10 * time.Second)
)

// generator is the load: writers that append to sessions at random, each to its own share of them,
// and followers that check every event of some.
type generator struct {
	cfg       config
	manager   *shard.Manager
	retained  int
	followed  ring.Config // of the sessions that are followed
	writers   []*writer
	followers []*follower
	stop      atomic.Bool // writers end
	over      atomic.Bool // followers end, after what is still there
	faults    faults
}

// measure is what the load came to.
type measure struct {
	stats      shard.Stats
	took       time.Duration
	latency    *hdrhistogram.Histogram
	collector  float64 // its share of the CPU time, 0 to 1
	heap       heap    // what the sessions hold, after a collection
	followed   int64   // events that followers have checked
	clockCosts time.Duration
}

// load is part 2.
func load(ctx context.Context, cfg config, out *screen) error {
	g, before, err := newGenerator(cfg)
	if err != nil {
		return fmt.Errorf("part 2: %w", err)
	}
	m := g.run(ctx, out.progress(int64(cfg.duration)), before)
	if ctx.Err() != nil {
		return errInterrupted
	}
	out.table(m.rows(g))
	err = g.faults.err()
	out.verdict(err, fmt.Sprintf("%d followers saw every event of their sessions once and in order", len(g.followers)))
	return err
}

// newGenerator fills a manager with sessions and returns what the heap held before.
func newGenerator(cfg config) (*generator, heap, error) {
	before := readHeap()
	g := &generator{cfg: cfg}
	each := cfg.eventSize + ring.Overhead + 64
	g.retained = min(maxRetained, max(1, loadMemory/(cfg.sessions*each)))
	g.followed.MaxEvents = min(followedLog, 8<<20/each)
	var err error
	g.manager, err = shard.New(
		shard.Config{MaxSessions: -1, MaxBytes: -1, Ring: ring.Config{MaxEvents: g.retained, MaxEventBytes: 2 << 20}},
	)
	if err != nil {
		return nil, before, err
	}
	for i := range min(runtime.GOMAXPROCS(0), cfg.sessions) {
		g.writers = append(g.writers, newWriter(g, rand.NewPCG(cfg.seed, uint64(i)+2)))
	}
	followers := min(maxFollowers, cfg.sessions)
	for i := range cfg.sessions {
		w := g.writers[i%len(g.writers)]
		s := &slot{followed: i < followers}
		if err := w.renew(s); err != nil {
			g.manager.Close()
			return nil, before, err
		}
		w.slots = append(w.slots, s)
		if s.followed {
			g.followers = append(g.followers, &follower{g: g, slot: s})
		}
	}
	return g, before, nil
}

// run runs the load until its duration is over or ctx ends, and ends every session.
func (g *generator) run(ctx context.Context, shown *progress, before heap) measure {
	var writing, following sync.WaitGroup
	for _, f := range g.followers {
		following.Go(f.run)
	}
	runtime.GC() // CPU times are as of the last collection: this one separates the load from its preparation
	cpu := readCPU()
	began := time.Now()
	for _, w := range g.writers {
		writing.Go(w.run)
	}
	g.watch(ctx, shown, began)
	g.stop.Store(true)
	writing.Wait()
	m := measure{took: time.Since(began), collector: readCPU().collectorSince(cpu), clockCosts: clockCosts()}
	shown.end()
	m.stats = g.manager.Stats()
	m.heap = readHeap().since(before)
	g.over.Store(true)
	g.manager.Close()
	following.Wait()
	m.latency = hdrhistogram.New(smallestEvent, largestEvent, 3)
	for _, w := range g.writers {
		m.latency.Merge(w.latency)
	}
	for _, f := range g.followers {
		m.followed += f.checked
	}
	return m
}

// watch shows the rate while the load runs.
func (g *generator) watch(ctx context.Context, shown *progress, began time.Time) {
	const period = 100 * time.Millisecond
	tick := time.NewTicker(period)
	defer tick.Stop()
	end := time.NewTimer(g.cfg.duration)
	defer end.Stop()
	last, lastAt := uint64(0), began
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case now := <-tick.C:
			appended := g.manager.Stats().Appended
			rate := float64(appended-last) / now.Sub(lastAt).Seconds()
			last, lastAt = appended, now
			shown.set(
				int64(now.Sub(began)),
				fmt.Sprintf("%.1f s  %.2f million events/s", now.Sub(began).Seconds(), rate/1e6),
			)
		}
	}
}

func (m measure) rows(g *generator) []row {
	sessions := int64(g.cfg.sessions)
	at := func(q float64) string { return short(time.Duration(m.latency.ValueAtQuantile(q))) }
	rate := float64(m.stats.Appended) / m.took.Seconds()
	timed := fmt.Sprintf("timed: every %dth append, with %s for the clock in it", samplePeriod, short(m.clockCosts))
	slowest := fmt.Sprintf("of %s that were timed, the scheduler's pauses included", grouped(m.latency.TotalCount()))
	data := grouped(m.stats.Events * int64(g.cfg.eventSize) / sessions)
	return []row{
		{
			"events/s",
			grouped(int64(rate)),
			fmt.Sprintf("from %d writers, each event to a session at random", len(g.writers)),
		},
		{
			"events",
			grouped(int64(m.stats.Appended)),
			fmt.Sprintf("the newest %d of each session are retained", g.retained),
		},
		{"append p50", at(50), timed},
		{"append p99", at(99), ""},
		{"append p99.9", at(99.9), ""},
		{"append max", short(time.Duration(m.latency.Max())), slowest},
		{"bytes/session", grouped(m.heap.bytes / sessions), "of heap, " + data + " of them event data"},
		{
			"heap objects",
			grouped(m.heap.objects),
			fmt.Sprintf("%.1f for each session", float64(m.heap.objects)/float64(sessions)),
		},
		{"collector", fmt.Sprintf("%.1f %%", 100*m.collector), "of the CPU time of all cores"},
		{"followed", grouped(m.followed), fmt.Sprintf("events that %d followers checked", len(g.followers))},
		{"renewed", grouped(int64(m.stats.Created) - sessions), "sessions ended and created meanwhile"},
	}
}

package main

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	unwritten  = "without writers"
	appenders  = 4
	expiryTick = 100 * time.Millisecond // the default
)

// expiry lets sessions expire together, each with an event, while four goroutines append to others,
// and compares how long an append takes meanwhile with a time in which nothing expires:
//
//	spread: ns between the first session's last activity and the last one's
//	asked, late, early: calls on these sessions around their end; those that succeeded from TTL
//	    and Tick on, those refused before TTL
//	released: ns after the last one's TTL and Tick until Stats, OnEnd and Done have told all ends
//	got: the part of all processors' time that this process had meanwhile
//	quiet.p99.9, busy.p99.9 and so on: an append, while nothing expires and while sessions do
//
// Variant unwritten does it without those four. The table has the medians of several rounds.
func expiry(z sizes, variant string) figures {
	var told atomic.Int64
	m := must(shard.New(shard.Config{
		MaxSessions: -1, TTL: z.TTL, Linger: -1, OnEnd: func(i shard.Info) {
			if i.Status == shard.Expired {
				told.Add(1)
			}
		},
	}))
	defer m.Close()
	c := crowd{m: m, ttl: z.TTL}
	c.create(z.Expiring)
	c.touchAll()
	n := appenders
	if variant == unwritten {
		n = 0
	}
	writers := startWriters(m, n)

	// Quiet is as long, and as close to it, as the time that it is compared with.
	due := c.last.Add(z.TTL + expiryTick)
	time.Sleep(time.Until(due.Add(-2*watched - time.Since(c.last)/10)))
	writers.count(quiet)
	time.Sleep(watched)
	writers.count(0)

	time.Sleep(time.Until(c.first.Add(z.TTL)))
	writers.count(busy)
	go c.ask(due.Add(time.Second))
	used, began := processTime(), time.Now()
	c.awaitAll(&told)
	released := time.Since(due)
	got := float64(processTime()-used) / float64(time.Since(began)) / float64(runtime.GOMAXPROCS(0))
	writers.count(0)
	time.Sleep(time.Until(due.Add(time.Second)))

	f := figures{
		"spread": float64(c.last.Sub(c.first)), "released": float64(max(0, released)),
		"asked": float64(c.asked.Load()), "late": float64(c.late.Load()), "early": float64(c.early.Load()),
		"left": float64(m.Stats().Total - n), "got": got,
	}
	sums := writers.stop()
	if n > 0 {
		f.tell(sums)
	}
	return f
}

// tell records how long the appends of each phase took.
func (f figures) tell(h [phases]bench.Histogram) {
	for phase, name := range map[int]string{quiet: "quiet", busy: "busy"} {
		f[name+".p50"] = float64(h[phase].Quantile(0.5))
		f[name+".p99.9"] = float64(h[phase].Quantile(0.999))
		f[name+".p99.99"] = float64(h[phase].Quantile(0.9999))
	}
}

func writtenOrNot(sizes) []string { return []string{"", unwritten} }

// A crowd is the sessions that expire together.
type crowd struct {
	m           *shard.Manager
	ttl         time.Duration
	sessions    []*shard.Session
	before      []int64 // ns from base to just before the session's last activity, and to just after it
	after       []int64
	base        time.Time
	first, last time.Time // before and after all last activities

	asked, late, early atomic.Int64
}

func (c *crowd) create(n int) {
	c.sessions, c.before, c.after = make([]*shard.Session, n), make([]int64, n), make([]int64, n)
	for i := range c.sessions {
		c.sessions[i] = must(c.m.Create(shard.Metadata{}))
		must(c.sessions[i].Append(ring.Event{Data: []byte("one")}))
	}
}

func (c *crowd) touchAll() {
	c.base = time.Now()
	c.first = c.base
	for i, s := range c.sessions {
		c.before[i] = int64(time.Since(c.base))
		must(0, s.Touch())
		c.after[i] = int64(time.Since(c.base))
	}
	c.last = time.Now()
}

// awaitAll waits until Stats, OnEnd and Done have told the end of every session.
func (c *crowd) awaitAll(told *atomic.Int64) {
	all, start := len(c.sessions), time.Now()
	for c.m.Stats().Expired < uint64(all) || told.Load() < int64(all) {
		if time.Since(start) > time.Minute {
			panic("sessions are left")
		}
		time.Sleep(time.Millisecond)
	}
	for _, s := range c.sessions {
		<-s.Done()
	}
}

// ask calls sessions at random until the given time, and judges the answers by when they can have
// been last active.
func (c *crowd) ask(until time.Time) {
	r := rand.New(rand.NewPCG(1, 3))
	for n := 0; time.Now().Before(until); n++ {
		i := r.IntN(len(c.sessions))
		s, begin := c.sessions[i], int64(time.Since(c.base))
		if begin < c.after[i]+int64(c.ttl)/2 {
			continue
		}
		var err error
		switch n % 4 {
		case 0:
			_, err = c.m.Get(s.ID())
		case 1:
			_, err = s.Seek("")
		case 2:
			err = s.Err()
		case 3: // activity: only on those that must be refused, for the others would live on
			if begin < c.after[i]+int64(c.ttl+expiryTick) {
				continue
			}
			_, err = s.Append(ring.Event{})
		}
		c.asked.Add(1)
		switch {
		case err == nil && begin >= c.after[i]+int64(c.ttl+expiryTick):
			c.late.Add(1)
		case err != nil && int64(time.Since(c.base)) < c.before[i]+int64(c.ttl):
			c.early.Add(1)
		case err != nil && !errors.Is(err, shard.ErrNotFound):
			panic(err)
		}
	}
}

// The phases in which appends are counted.
const (
	quiet = iota + 1
	busy
	phases
)

// watched is how long each phase lasts, about.
const watched = 1500 * time.Millisecond

// writers append to a session each, which never expires, as fast as they can.
type writers struct {
	phase  atomic.Int32 // 0: not counted; -1: stop
	wg     sync.WaitGroup
	counts [appenders][phases]bench.Histogram
}

func startWriters(m *shard.Manager, n int) *writers {
	w := new(writers)
	for g := range n {
		s := must(m.CreateWith(shard.Options{TTL: -1}))
		w.wg.Go(func() { w.run(s, &w.counts[g]) })
	}
	return w
}

func (w *writers) run(s *shard.Session, counts *[phases]bench.Histogram) {
	data := bench.Payload(payload)
	for {
		phase := w.phase.Load()
		if phase < 0 {
			return
		}
		start := time.Now()
		must(s.Append(ring.Event{Data: data}))
		if phase > 0 {
			counts[phase].Record(time.Since(start))
		}
	}
}

func (w *writers) count(phase int32) { w.phase.Store(phase) }

func (w *writers) stop() (sums [phases]bench.Histogram) {
	w.phase.Store(-1)
	w.wg.Wait()
	for g := range w.counts {
		for p := range sums {
			sums[p].Merge(&w.counts[g][p])
		}
	}
	return sums
}

func expiryRows(z sizes, r results) []row {
	of := func(name string) float64 { return r.of("", name) }
	p999 := of("busy.p99.9") / of("quiet.p99.9")
	verdict := "the aim holds"
	if p999 > 2 {
		verdict = "the aim is missed"
	}
	const release = "all are released, after TTL + Tick of the last, while "
	return []row{
		atMost(short(z.Expiring)+" sessions expire together: their last activities lie within",
			max(of("spread"), r.of(unwritten, "spread"))/1e9, 1, " s"),
		exactly("calls that succeed from TTL + Tick on, of "+number(r.sum("asked"))+" around the end",
			r.sum("late"), 0),
		exactly("calls refused before TTL", r.sum("early"), 0),
		aim(release+"nobody appends", r.of(unwritten, "released")/1e9, 1, 0.7, " s"),
		aim(release+"four goroutines append", of("released")/1e9, 1.5, 1, " s"),
		figure("part of the processors that the machine left to the process while four append",
			number(100*of("got"))+" %"),
		exactly("sessions left", r.sum("left"), 0),
		figure("append by four goroutines while nothing expires: p50, p99.9, p99.99",
			nanoseconds(of("quiet.p50"))+", "+nanoseconds(of("quiet.p99.9"))+", "+nanoseconds(of("quiet.p99.99"))),
		figure("the same while the sessions expire",
			nanoseconds(of("busy.p50"))+", "+nanoseconds(of("busy.p99.9"))+", "+nanoseconds(of("busy.p99.99"))),
		{"p99.9 while they expire by p99.9 while nothing does", number(p999), "aim: at most 2", verdict},
	}
}

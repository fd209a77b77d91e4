package main

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"github.com/puzpuzpuz/xsync/v3"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// calls in the order of the table; the first is what the others are held beside.
var calls = []string{"MapOf lookup", "Get", "Touch", "Append", "Seek", "Create", "Terminate"}

func speedVariants(z sizes) (v []string) {
	for _, n := range z.Fleets {
		v = append(v, numbered("among", n))
	}
	return v
}

// speed measures calls on sessions at random among n that retain ten events each, by one goroutine.
// Everything but the lookup in the bare map finds the session by its ID; Append and Seek go on to
// the session's log. Create and Terminate take turns, so that there are about n all the time, and
// their windows are batches; the windows of the calls are interleaved. What is measured is the
// processor time of the calling thread.
func speed(z sizes, variant string) figures {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f := newFleet(count(variant))
	defer f.m.Close()
	runs := map[string]func(n int){
		calls[0]: f.lookUp, "Get": f.get, "Touch": f.touch, "Append": f.append, "Seek": f.seek,
	}
	took := make(map[string][]float64)
	for range batches {
		for _, call := range calls[:5] {
			took[call] = append(took[call], perOp(threadTime, z.Window, runs[call]))
		}
		create, terminate := f.replace()
		took["Create"] = append(took["Create"], create)
		took["Terminate"] = append(took["Terminate"], terminate)
	}
	figures := make(figures)
	for call, ns := range took {
		figures[call] = median(ns)
	}
	return figures
}

// perOp returns the nanoseconds of processor time, of the thread or of the process, that an op
// takes when work does as many as fit into the window.
func perOp(used func() time.Duration, window time.Duration, work func(n int)) float64 {
	const step = 1000
	work(step)
	start := used()
	for n := step; ; n += step {
		work(step)
		if took := used() - start; took >= window {
			return float64(took) / float64(n)
		}
	}
}

// A fleet is n sessions in a manager, and as many entries in a bare map.
type fleet struct {
	m      *shard.Manager
	bare   *xsync.MapOf[string, *[64]byte]
	ids    bench.IDs // of all sessions that there have been and will be
	inUse  []uint32  // places in ids
	unused []uint32
	newest []eventID // of each session in use
	rand   *rand.Rand
	data   []byte
}

// An eventID is an event's ID without a pointer, which the collector would follow.
type eventID struct {
	n    uint8
	text [31]byte
}

func (e *eventID) set(id string) { e.n = uint8(copy(e.text[:], id)) }

// view returns the ID without allocating; it is good until the next set.
func (e *eventID) view() string { return unsafe.String(&e.text[0], e.n) }

const (
	fleetRetain = 10
	batches     = 5 // of sessions that are created and terminated while a clock runs
)

func newFleet(n int) *fleet {
	spare := max(n/20, 2500)
	f := &fleet{
		bare: xsync.NewMapOf[string, *[64]byte](), ids: bench.NewIDs(n+spare, 6),
		newest: make([]eventID, n), rand: rand.New(rand.NewPCG(1, uint64(n))), data: bench.Payload(100),
	}
	f.m = must(
		shard.New(
			shard.Config{
				MaxSessions: n + spare,
				MaxBytes:    64 << 30,
				Linger:      -1,
				Ring:        ring.Config{MaxEvents: fleetRetain},
			},
		),
	)
	for i := range n {
		f.inUse = append(f.inUse, uint32(i))
		f.bare.Store(f.ids.At(i), new([64]byte))
		must(f.m.CreateWithID(f.ids.At(i), shard.Metadata{}))
		f.fill(i)
	}
	for i := range spare {
		f.unused = append(f.unused, uint32(n+i))
	}
	return f
}

// fill gives the ith session its events, more than it retains, and each session another number.
func (f *fleet) fill(i int) {
	s := must(f.m.Get(f.id(i)))
	for range fleetRetain + i%fleetRetain {
		f.newest[i].set(must(s.Append(ring.Event{Data: f.data})).ID)
	}
}

// pick returns the place of a session in use at random.
func (f *fleet) pick() int { return f.rand.IntN(len(f.inUse)) }

// id returns the ID of the ith session in use.
func (f *fleet) id(i int) string { return f.ids.At(int(f.inUse[i])) }

func (f *fleet) lookUp(n int) {
	for range n {
		if _, ok := f.bare.Load(f.ids.At(f.pick())); !ok {
			panic("an entry is gone")
		}
	}
}

func (f *fleet) get(n int) {
	for range n {
		must(f.m.Get(f.id(f.pick())))
	}
}

func (f *fleet) touch(n int) {
	for range n {
		must(0, must(f.m.Get(f.id(f.pick()))).Touch())
	}
}

func (f *fleet) append(n int) {
	for range n {
		i := f.pick()
		f.newest[i].set(must(must(f.m.Get(f.id(i))).Append(ring.Event{Data: f.data})).ID)
	}
}

func (f *fleet) seek(n int) {
	for range n {
		i := f.pick()
		must(must(f.m.Get(f.id(i))).Seek(f.newest[i].view()))
	}
}

// replace creates a batch of sessions and terminates as many others, and returns the nanoseconds of
// processor time of each call.
func (f *fleet) replace() (create, terminate float64) {
	n := min((f.ids.Len()-len(f.inUse))/batches, len(f.inUse))
	fresh := f.unused[:n]
	f.unused = f.unused[n:]
	start := threadTime()
	for _, id := range fresh {
		must(f.m.CreateWithID(f.ids.At(int(id)), shard.Metadata{}))
	}
	create = float64(threadTime()-start) / float64(n)
	at := f.pick() // IDs are at random, so a row of them is as good as any
	start = threadTime()
	for k := range fresh {
		must(0, f.m.Terminate(f.id((at+k)%len(f.inUse))))
	}
	terminate = float64(threadTime()-start) / float64(n)
	for k, id := range fresh {
		i := (at + k) % len(f.inUse)
		f.inUse[i] = id
		f.fill(i)
	}
	return create, terminate
}

func speedRows(z sizes, r results) (rows []row) {
	for _, call := range calls {
		rows = append(rows, figure(call+" among "+shorts(z.Fleets)+" sessions, processor time",
			series(z.Fleets, func(n int) float64 { return r.of(numbered("among", n), call) })+" ns"))
	}
	least, most := z.Fleets[0], z.Fleets[len(z.Fleets)-1]
	growth := func(call string) float64 {
		return r.of(numbered("among", most), call) - r.of(numbered("among", least), call)
	}
	var by []string
	for _, call := range calls[1:] {
		by = append(by, call+" "+number(growth(call)/growth(calls[0])))
	}
	return append(
		rows,
		figure("growth from "+short(least)+" to "+short(most)+", by that of the MapOf lookup", strings.Join(by, ", ")),
	)
}

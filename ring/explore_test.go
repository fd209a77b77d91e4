//go:build reprise_steps

package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/step"
)

// A stepper is a goroutine that runs from one step of the protocol to the next, and only when it is
// told to.
type stepper struct {
	resume, stopped chan struct{}
	done, asleep    bool
	at              step.Point
}

// A world runs steppers one at a time. running is the one that runs; only that one and the world,
// in turn, touch what tests keep.
type world struct {
	rand     *rand.Rand
	steppers []*stepper
	running  *stepper
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	w := &world{rand: r}
	step.Set(func(p step.Point) {
		if s := w.running; s != nil {
			s.at = p
			s.stopped <- struct{}{}
			<-s.resume
		}
	})
	wait, give := patience, yields
	patience, yields = 0, 0
	t.Cleanup(func() {
		step.Set(nil)
		patience, yields = wait, give
	})
	return w
}

// start adds a goroutine that does f, and has not begun.
func (w *world) start(f func()) {
	s := &stepper{resume: make(chan struct{}), stopped: make(chan struct{})}
	w.steppers = append(w.steppers, s)
	go func() {
		<-s.resume
		f()
		s.done = true
		s.stopped <- struct{}{}
	}()
}

// move lets s run to its next step.
func (w *world) move(s *stepper) {
	w.running = s
	s.resume <- struct{}{}
	<-s.stopped
	w.running = nil
}

// run moves them all to the end, in an order of bursts and long sleeps. False: they get nowhere.
func (w *world) run() bool { return w.each(func() {}) }

// each is run, and calls look after each step.
func (w *world) each(look func()) bool {
	var burst *stepper
	for range 400_000 {
		var alive []*stepper
		for _, s := range w.steppers {
			if !s.done {
				alive = append(alive, s)
			}
		}
		if len(alive) == 0 {
			return true
		}
		if burst == nil || burst.done || burst.asleep || w.rand.IntN(10) == 0 {
			burst = alive[w.rand.IntN(len(alive))]
			if burst.asleep && w.rand.IntN(60) != 0 && len(alive) > 1 {
				continue
			}
			burst.asleep = false
		}
		w.move(burst)
		look()
		burst.asleep = w.rand.IntN(120) == 0
	}
	return false
}

// eventSeen is an event as somebody has seen it.
type eventSeen struct{ id, data string }

// An exploration is one ring, what is done to it, and what was seen.
type exploration struct {
	t        *testing.T
	r        *Ring
	seed     uint64
	max      int
	wrote    map[uint64]eventSeen
	saw      map[uint64]eventSeen
	inside   map[uint64]bool // sequences that are not the last of their batch
	lasts    []uint64        // newest sequences that somebody saw
	closedAt uint64
	closed   bool
}

func (x *exploration) errorf(format string, args ...any) {
	x.t.Errorf("seed %d: %s", x.seed, fmt.Sprintf(format, args...))
}

func (x *exploration) note(e Event) {
	now := eventSeen{e.ID, string(e.Data)}
	if before, ok := x.saw[e.Seq]; ok && before != now {
		x.errorf("%d is %v and %v", e.Seq, before, now)
	}
	x.saw[e.Seq] = now
}

// keep takes down what an append has stored.
func (x *exploration) keep(sent, got []Event, begunClosed bool) {
	if begunClosed {
		x.errorf("an append that began after Close has stored %d", got[0].Seq)
	}
	for i, e := range got {
		if _,
			ok := x.wrote[e.Seq]; ok || e.Seq != got[0].Seq+uint64(i) || string(e.Data) != string(sent[i].Data) ||
			sent[i].ID != "" && sent[i].ID != e.ID {
			x.errorf("%v is stored as %d, %q, %q", sent[i], e.Seq, e.ID, e.Data)
		}
		x.wrote[e.Seq] = eventSeen{e.ID, string(e.Data)}
		x.inside[e.Seq] = i < len(got)-1
	}
}

func (x *exploration) append(es []Event) (open bool) {
	was := x.closed
	var got []Event
	var err error
	if len(es) == 1 {
		var e Event
		e, err = x.r.Append(es[0])
		got = []Event{e}
	} else {
		got, err = x.r.AppendAll(nil, es)
	}
	switch {
	case err == nil:
		x.keep(es, got, was)
		c, err := x.r.Seek(got[0].ID)
		if s := x.r.Stats(); err != nil && s.First <= got[0].Seq && s.Events > 0 {
			x.errorf("%q of %d is retained and not found: %v, %+v", got[0].ID, got[0].Seq, err, s)
		} else if err == nil && c.Seq() < got[0].Seq {
			x.errorf("%q is found at %d, after it was stored as %d", got[0].ID, c.Seq(), got[0].Seq)
		}
	case errors.Is(err, ErrDuplicateID):
		x.note(got[0])
		sent := false
		for _, e := range es {
			sent = sent || e.ID == got[0].ID
		}
		if !sent {
			x.errorf("the duplicate of %q is %q", es[0].ID, got[0].ID)
		}
	case errors.Is(err, ErrClosed):
		if !x.closed {
			x.errorf("closed, by nobody")
		}
		return false
	default:
		x.errorf("%v", err)
	}
	return true
}

func (x *exploration) read() {
	c, err := x.r.Seek("")
	if err != nil {
		x.errorf("Seek: %v", err)
	}
	var e Event
	for {
		last := seqOf(x.r.word.Load())
		x.lasts = append(x.lasts, last)
		at := c.Seq()
		if !c.Next(&e) {
			if now := seqOf(x.r.word.Load()); c.Err() != nil && c.Seq()+1+uint64(x.max) > now {
				x.errorf("%d is retained, and taken for gone", c.Seq()+1)
			}
			if c.Err() == nil && c.Seq() < last {
				x.errorf("nothing after %d, and %d was visible", c.Seq(), last)
			}
			return
		}
		if e.Seq != at+1 || e.Seq != c.Seq() {
			x.errorf("%d comes after %d", e.Seq, at)
		}
		x.note(e)
		if _, err := x.r.Seek(e.ID); err != nil && e.Seq+uint64(x.max) > seqOf(x.r.word.Load()) {
			x.errorf("%q of %d is visible and not found: %v", e.ID, e.Seq, err)
		}
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// explore does things to a small ring in an order that seed decides, and compares what came of it
// with a plain log.
func explore(t *testing.T, seed uint64) {
	rnd := newRand(seed)
	x := &exploration{t: t, seed: seed, max: 1 + rnd.IntN(9), wrote: map[uint64]eventSeen{},
		saw: map[uint64]eventSeen{}, inside: map[uint64]bool{}}
	g, err := newGroup(Config{MaxEvents: x.max}, shared{})
	if err != nil {
		t.Fatal(err)
	}
	g.pageEvents = int32(1 << rnd.IntN(3))
	x.r = g.New()
	size := []int{1, 60, 700}[rnd.IntN(3)]
	for i := range rnd.IntN(3 * x.max) {
		e := []Event{{Data: fmt.Appendf(nil, "before %d", i)}}
		if rnd.IntN(2) == 0 {
			e[0].ID = fmt.Sprint("before", i)
		}
		x.append(e)
	}
	w := newWorld(t, rnd)
	closes := rnd.IntN(5) == 0
	for a := range 2 + rnd.IntN(3) {
		rounds, style, most := 1+rnd.IntN(2*x.max+2), rnd.IntN(4), 1
		if rnd.IntN(3) == 0 {
			most = min(x.max, 4)
		}
		w.start(func() {
			for i := range rounds {
				es := make([]Event, 1+rnd.IntN(most))
				for j := range es {
					es[j].Data = fmt.Appendf(nil, "%d/%d.%d %0*d", a, i, j, size, i)
					switch style {
					case 1:
						es[j].ID = fmt.Sprintf("own %d/%d.%d", a, i, j)
					case 2:
						es[j].ID = fmt.Sprintf("same %d.%d", i, j)
					case 3:
						if j == 0 {
							es[j].ID = fmt.Sprintf("%s-%d", x.r.tag, int(seqOf(x.r.word.Load()))+rnd.IntN(4))
						}
					}
				}
				if !x.append(es) {
					return
				}
			}
		})
	}
	for range 1 + rnd.IntN(2) {
		w.start(func() {
			for range 3 {
				x.read()
				if s := x.r.Stats(); s.Last != 0 && s.Events > 0 {
					x.lasts = append(x.lasts, s.Last)
				}
			}
		})
	}
	if closes {
		w.start(func() {
			for range rnd.IntN(60) {
				step.At(step.WordRead)
			}
			x.closed = true
			x.r.Close()
			x.closedAt = seqOf(x.r.word.Load())
		})
	}
	if !w.run() {
		x.errorf("no progress")
		t.FailNow()
	}
	step.Set(nil)
	x.rest(closes)
}

// rest checks the ring when nobody works on it any more.
func (x *exploration) rest(closes bool) {
	last := seqOf(x.r.word.Load())
	if closes && last != x.closedAt {
		x.errorf("%d after Close at %d", last, x.closedAt)
	}
	if uint64(len(x.wrote)) != last {
		x.errorf("%d appends, %d events", len(x.wrote), last)
	}
	for _, n := range append(x.lasts, last) {
		if x.inside[n] {
			x.errorf("a batch was visible as far as %d", n)
		}
	}
	for seq, e := range x.saw {
		if x.wrote[seq] != e {
			x.errorf("somebody saw %v, and %d is %v", e, seq, x.wrote[seq])
		}
	}
	at := map[string]uint64{}
	for seq := uint64(1); seq <= last; seq++ {
		e := x.wrote[seq]
		if before := at[e.id]; before > 0 && !x.inside[seq] && seq-before < uint64(x.max) && !x.inside[seq-1] {
			x.errorf("%q is %d and %d", e.id, before, seq)
		}
		at[e.id] = seq
	}
	n, bytes := 0, int64(0)
	c := mustSeek(x.t, x.r, "")
	for e := (Event{}); c.Next(&e); n++ {
		bytes += int64(e.Size() + Overhead)
		if x.wrote[e.Seq] != (eventSeen{e.ID, string(e.Data)}) || seekSeq(x.t, x.r, e.ID) != e.Seq {
			x.errorf("%d at rest is %q, %q", e.Seq, e.ID, e.Data)
		}
	}
	if s := x.r.Stats(); c.Err() != nil || n != min(int(last), x.max) || s.Bytes != bytes || s.Events != n {
		x.errorf("%d events and %d bytes at rest, %v, %+v", n, bytes, c.Err(), s)
	}
	if x.r.word.Load()&closedBit == 0 {
		if got, want := x.r.Memory(), held(x.r); got != want {
			x.errorf("Memory is %d, and %d are held", got, want)
		}
		for i := range x.r.dir.Load().entries {
			if p := x.r.dir.Load().entries[i].Load(); p != nil && p.ordinal < x.r.cur.Load().oldest {
				x.errorf("page %d has gone, and is in the directory", p.ordinal)
			}
		}
	}
}

// The real code, one step at a time, in orders with sleepers of any length and with no patience at
// all, does what a plain log does. REPRISE_EXPLORE says for how long; REPRISE_SEED explores one
// order again.
func TestExplore(t *testing.T) {
	span := 3 * time.Second
	if s := os.Getenv("REPRISE_EXPLORE"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("REPRISE_EXPLORE: %v", err)
		}
		span = d
	}
	if s := os.Getenv("REPRISE_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("REPRISE_SEED: %v", err)
		}
		explore(t, seed)
		return
	}
	began, seed := time.Now(), uint64(0)
	for ; (seed < 200 || time.Since(began) < span) && !t.Failed(); seed++ {
		explore(t, seed)
	}
	t.Logf("%d orders", seed)
}

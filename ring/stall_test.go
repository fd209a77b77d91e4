//go:build reprise_steps

package ring

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/internal/step"
)

// impatient makes everybody overtake a busy owner at once, for the rest of the test.
func impatient(t *testing.T) {
	t.Helper()
	p, y := patience, yields
	patience, yields = 0, 0
	t.Cleanup(func() { patience, yields = p, y })
}

// A puppet is a goroutine that runs only when the test says so, from step to step.
type puppet struct {
	resume, yield chan struct{}
	done          bool
	at            step.Point
}

// A stage has the puppets, of which one moves at a time.
type stage struct{ moving atomic.Pointer[puppet] }

func newStage(t *testing.T) *stage {
	t.Helper()
	s := new(stage)
	s.hook()
	t.Cleanup(func() { step.Set(nil) })
	return s
}

// hook makes the puppets stop at each step.
func (s *stage) hook() {
	step.Set(func(at step.Point) {
		if a := s.moving.Load(); a != nil {
			a.at = at
			a.yield <- struct{}{}
			<-a.resume
		}
	})
}

func (s *stage) start(do func()) *puppet {
	a := &puppet{resume: make(chan struct{}), yield: make(chan struct{})}
	go func() {
		<-a.resume
		do()
		a.done = true
		a.yield <- struct{}{}
	}()
	return a
}

const (
	theEnd   = step.Point(-1)
	anywhere = step.Point(-2) // the next place, whichever that is
)

// runTo lets a run until it stands at p, and reports whether it got there before it was through.
func (s *stage) runTo(a *puppet, p step.Point) bool {
	for !a.done {
		s.moving.Store(a)
		a.resume <- struct{}{}
		<-a.yield
		s.moving.Store(nil)
		if !a.done && (a.at == p || p == anywhere) {
			return true
		}
	}
	return false
}

// A record of what was stored, to compare a ring with.
type stored struct {
	t   *testing.T
	r   *Ring
	max int
	all map[uint64]string
}

func (s *stored) append(who string, n int, own bool, size int) {
	es := make([]Event, n)
	for i := range es {
		es[i].Data = fmt.Appendf(nil, "%s %d %0*d", who, i, size, 0)
		if own {
			es[i].ID = fmt.Sprintf("%s/%d", who, i)
		}
	}
	var got []Event
	var err error
	if n == 1 {
		var e Event
		e, err = s.r.Append(es[0])
		got = []Event{e}
	} else {
		got, err = s.r.AppendAll(nil, es)
	}
	if errors.Is(err, ErrClosed) {
		return
	}
	if err != nil {
		s.t.Errorf("%s: %v", who, err)
		return
	}
	for i, e := range got {
		if s.all[e.Seq] != "" || e.Seq != got[0].Seq+uint64(i) {
			s.t.Errorf("%s: sequence %d was given out twice, or is not the next", who, e.Seq)
		}
		s.all[e.Seq] = string(es[i].Data)
	}
}

// check wants the newest events to be there, each what was stored, and each found by its ID.
func (s *stored) check() {
	s.t.Helper()
	c := mustSeek(s.t, s.r, "")
	n := 0
	var e Event
	for ; c.Next(&e); n++ {
		if want, ok := s.all[e.Seq]; ok && want != string(e.Data) {
			s.t.Errorf("event %d is %q, want %q", e.Seq, e.Data, want)
		}
		if got := seekSeq(s.t, s.r, e.ID); got != e.Seq {
			s.t.Errorf("Seek(%q) is %d, want %d", e.ID, got, e.Seq)
		}
	}
	if st := s.r.Stats(); n != min(int(st.Last), s.max) || st.Events != n || c.Err() != nil {
		s.t.Errorf("%d events can be read, %v; %+v", n, c.Err(), st)
	}
}

func (s *stored) wantAll() {
	s.t.Helper()
	s.check()
	if last := s.r.Stats().Last; uint64(len(s.all)) != last {
		s.t.Errorf("%d events were stored, the last sequence is %d", len(s.all), last)
	}
}

// A case of two appenders: what was there before, and what each of them appends.
type stallCase struct {
	before, n    int
	ownA, ownB   bool
	sizeA, laps  int
	close, bLate bool
}

func stallCases() (cases []stallCase) {
	for i := range 128 {
		cases = append(cases, stallCase{
			before: []int{0, 1, 2, 3, 7, 8, 9, 18}[i%8],
			ownA:   i>>3&1 != 0, ownB: i>>4&1 != 0,
			n:     []int{1, 3}[i>>5&1],
			sizeA: []int{10, 700}[i>>6&1], laps: []int{0, 24}[i&1],
			bLate: i>>1&1 != 0, close: i%11 == 7,
		})
	}
	return cases
}

// One appender stops at p, another one that comes across it at q. A third one goes on, lap after
// lap, and readers read: nothing is lost, doubled or torn. When the two wake up late, in either
// order, each stores its events once; nothing is stored once the ring is closed.
func TestAppendersStoppedAtAnyTwoPlacesBlockNobodyAndLoseNothing(t *testing.T) {
	impatient(t)
	met := map[[2]step.Point]bool{}
	for p := step.Point(0); p < step.WriterPoints; p++ {
		for q := step.Point(0); q < step.WriterPoints; q++ {
			for i, c := range stallCases() {
				if stallTwo(t, p, q, c) {
					met[[2]step.Point{p, q}] = true
				}
				if t.Failed() {
					t.Fatalf("stopped at %d and %d, case %d: %+v", p, q, i, c)
				}
			}
		}
	}
	t.Logf("%d pairs of places", len(met))
	if len(met) < 200 {
		t.Errorf("only %d pairs of places were met", len(met))
	}
}

func stallTwo(t *testing.T, p, q step.Point, c stallCase) bool {
	const limit = 8
	stage := newStage(t)
	s := &stored{t, newRing(t, Config{MaxEvents: limit}), limit, map[uint64]string{}}
	for i := range c.before {
		s.append(fmt.Sprint("before", i), 1, i%3 == 0, 10)
	}
	a := stage.start(func() { s.append("A", c.n, c.ownA, c.sizeA) })
	b := stage.start(func() { s.append("B", c.n, c.ownB, 10) })
	if !stage.runTo(a, p) {
		return false
	}
	metB := stage.runTo(b, q)
	for i := range 3 + c.laps {
		s.append(fmt.Sprint("C", i), 1+i%2, i%3 == 1, 20)
		s.check()
	}
	if c.close {
		s.r.Close()
	}
	if c.bLate {
		a, b = b, a
	}
	stage.runTo(a, theEnd)
	s.check()
	s.append("D", 1, true, 5)
	stage.runTo(b, theEnd)
	s.wantAll()
	for i := range limit {
		s.append(fmt.Sprint("E", i), 1, true, 5)
		s.check()
	}
	s.wantAll()
	return metB
}

// stops are eight steps of an append. One that needs a new page passes all of them.
var stops = [8]step.Point{
	step.Planned,
	step.Owned,
	step.Written,
	step.Inserting,
	step.Publishing,
	step.Proposed,
	step.Sealed,
	step.PageSwapped,
}

// Eight of nine writers stop for ever inside their appends, each at another place. The ninth
// overtakes them, and then nothing that they left behind is in its way: it passes the same steps
// for an event as one that was always alone.
func TestStoppedWritersCostTheNinthNothingOnceItHasOvertakenThem(t *testing.T) {
	impatient(t)
	work := func(stopped bool) (steps int) {
		stage := newStage(t)
		r := newRing(t, Config{})
		for n := range 1500 {
			mustAppend(t, r, Event{ID: fmt.Sprint(n)})
		}
		for i, p := range stops {
			if !stopped {
				break
			}
			for n := 0; ; n++ {
				a := stage.start(func() { r.Append(Event{ID: fmt.Sprint("writer", i, n)}) })
				if stage.runTo(a, p) {
					break
				}
			}
		}
		for n := range 100 {
			mustAppend(t, r, Event{ID: fmt.Sprint("overtaking", n)})
		}
		step.Set(func(step.Point) { steps++ })
		defer step.Set(nil)
		for n := range 10_000 {
			mustAppend(t, r, Event{ID: fmt.Sprint("ninth", n)})
		}
		return steps
	}
	alone, ninth := work(false), work(true)
	t.Logf("%d steps alone, %d beside eight stopped writers", alone, ninth)
	if ninth > alone*6/5 {
		t.Errorf("10,000 appends take %d steps beside eight stopped writers, %d alone", ninth, alone)
	}
}

// stopAt makes the next goroutine that gets to p stop there. It returns a channel that is closed
// once one has, and what lets it go on.
func stopAt(t *testing.T, p step.Point) (stopped <-chan struct{}, resume func()) {
	t.Helper()
	var armed atomic.Bool
	armed.Store(true)
	there, gone := make(chan struct{}), make(chan struct{})
	step.Set(func(at step.Point) {
		if at == p && armed.CompareAndSwap(true, false) {
			close(there)
			<-gone
		}
	})
	t.Cleanup(func() { step.Set(nil) })
	return there, sync.OnceFunc(func() { close(gone) })
}

//go:build reprise_steps

package ring

import (
	"fmt"
	"runtime"
	"testing"
	"weak"

	"github.com/reprise-go/reprise/internal/step"
)

// held is what the pages and the directory of a ring at rest take: what Memory counts.
func held(r *Ring) int64 {
	d := r.dir.Load()
	n := d.bytes()
	for _, p := range pagesOf(r) {
		n += p.bytes()
	}
	return n
}

func pagesOf(r *Ring) (pages []*page) {
	d := r.dir.Load()
	for i := range d.entries {
		if p := d.entries[i].Load(); p != nil {
			pages = append(pages, p)
		}
	}
	if c := r.cur.Load(); !c.isNone() {
		pages = append(pages, c)
	}
	return pages
}

// A goroutine is about to take a page out of a directory that has been replaced by a larger one
// meanwhile, from which others take out the same page.
func TestAPageThatIsTakenOutTwiceIsCountedOffOnce(t *testing.T) {
	impatient(t)
	stopped := 0
	for limit := 4; limit < 40; limit++ {
		for before := limit; before < limit+12; before++ {
			stage := newStage(t)
			r := newRing(t, Config{MaxEvents: limit})
			for range before {
				mustAppend(t, r, Event{Data: make([]byte, 5000)})
			}
			a := stage.start(func() { r.Append(Event{Data: make([]byte, 5000)}) })
			for stage.runTo(a, step.Sweeping) {
				if r.prop.Load() == nil { // it was the owner, whose directory may be an old one
					stopped++
					break
				}
			}
			for range limit {
				mustAppend(t, r, Event{Data: make([]byte, 5000)})
			}
			stage.runTo(a, theEnd)
			for n := range 2 * limit {
				mustAppend(t, r, Event{ID: fmt.Sprint(n), Data: make([]byte, 10)})
			}
			if got, want := r.Memory(), held(r); got != want {
				t.Fatalf("%d events of at most %d: Memory is %d, and %d are held", before, limit, got, want)
			}
		}
	}
	if stopped < 20 {
		t.Errorf("stopped only %d times", stopped)
	}
}

// Eight writers have each made a page of a megabyte for the same place in the log. One of them is
// published; the others make another one, and no page stays that is not in the log.
func TestLosersOfRacesDoNotMultiplyMemory(t *testing.T) {
	impatient(t)
	const size, limit, losers = 1 << 20, 4, 8
	stage := newStage(t)
	r := newRing(t, Config{MaxEvents: limit, MaxEventBytes: 2 * size})
	data := make([]byte, size)
	for range 2 * limit {
		mustAppend(t, r, Event{Data: data})
	}
	full := heap()
	var writers []*puppet
	for i := range losers {
		a := stage.start(func() { r.Append(Event{ID: fmt.Sprint("loser", i), Data: data}) })
		if !stage.runTo(a, step.Proposing) {
			t.Fatal("a writer has proposed nothing")
		}
		writers = append(writers, a)
	}
	if r.Memory() != held(r) {
		t.Errorf("Memory counts %d bytes, %d are held: pages that nobody may ever see are counted", r.Memory(), held(r))
	}
	for range 3 * limit {
		mustAppend(t, r, Event{Data: data})
	}
	for _, a := range writers {
		stage.runTo(a, theEnd)
	}
	writers = nil
	if r.Memory() != held(r) || held(r) > (limit+1)*(size+size/4) {
		t.Errorf("Memory counts %d bytes, %d are held", r.Memory(), held(r))
	}
	if now := heap(); now > full+2*size {
		t.Errorf("the heap has %d bytes more than before the race", now-full)
	}
	runtime.KeepAlive(r)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A writer that stops for ever keeps from the collector the page that was the current one when it
// looked, what it has made itself and what it has in hand, and of the rest of the log nothing.
func TestAStalledWriterPinsNothingBeyondItsOwnPage(t *testing.T) {
	impatient(t)
	const limit = 40
	for p := step.Point(0); p < step.WriterPoints; p++ {
		for before := 3 * limit; before < 3*limit+8; before++ {
			stage := newStage(t)
			r := newRing(t, Config{MaxEvents: limit})
			for n := range before {
				mustAppend(t, r, Event{ID: fmt.Sprint(n), Data: make([]byte, 1000)})
			}
			a := stage.start(func() { r.Append(Event{ID: "slow", Data: make([]byte, 1000)}) })
			if !stage.runTo(a, p) {
				continue
			}
			pages := weakly(pagesOf(r))
			for n := range 3 * limit {
				mustAppend(t, r, Event{ID: fmt.Sprint("quick", n), Data: make([]byte, 1000)})
			}
			most := 2 // the page that was current, and its own, if that has been in the log
			if p == step.Sweeping {
				most++ // the page that it is about to take out
			}
			if n := alive(pages); n > most {
				t.Errorf("stopped at %d: %d of %d pages that have gone are still there", p, n, len(pages))
			}
			stage.runTo(a, theEnd)
			for n := range 3 * limit {
				mustAppend(t, r, Event{ID: fmt.Sprint("later", n), Data: make([]byte, 1000)})
			}
			if n := alive(pages); n > 0 || r.Memory() != held(r) {
				t.Errorf("stopped at %d: %d pages that have gone are there afterwards; Memory is %d, held are %d",
					p, n, r.Memory(), held(r))
			}
		}
	}
}

func weakly(pages []*page) (refs []weak.Pointer[page]) {
	for _, p := range pages {
		refs = append(refs, weak.Make(p))
	}
	return refs
}

func alive(refs []weak.Pointer[page]) (n int) {
	runtime.GC()
	for _, ref := range refs {
		if ref.Value() != nil {
			n++
		}
	}
	return n
}

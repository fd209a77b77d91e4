//go:build reprise_steps

package ring

import (
	"errors"
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/internal/step"
)

// What is easy to get wrong in this protocol, and the test that would tell. TestExplore finds most
// of it too, in some order; these show each by itself.
//
// What goes wrong, and below it the test:
//
//	an overtaken owner writes where its successor does
//	    TestAnOvertakenOwnerWritesIntoItsOwnPageAlone
//	the word takes a value again, and an old swap of it succeeds
//	    TestTheWordNeverTakesAValueTwice
//	a page is read as if the word knew it
//	    TestAPageNewerThanTheWordIsNotPlannedWith
//	readers miss a page while the next one is put in place
//	    TestReadersMissNoPageWhileTheNextOneIsPutInPlace
//	who made a proposal cannot tell whether it was published
//	    TestTheMakerOfAProposalKnowsWhetherItWasPublished
//	a late proposal replaces a newer one
//	    TestALateProposalReplacesNoNewerOne
//	the event of a duplicate is looked up again, and has gone
//	    TestADuplicateComesWithTheEventThatWasFound
//	a cost is taken for known, or was overwritten
//	    TestBytesAreExactHoweverSizesMix
//	a page that is taken out twice is counted off twice
//	    TestAPageThatIsTakenOutTwiceIsCountedOffOnce
//	events do not lie one behind the other, and prefetching is vain
//	    TestEventsOfAPageLieBackToBack
//	a long plan is made anew each time that others publish
//	    TestALargerIndexIsNotMadeAnew
//	a plan moves the caller's events to the heap
//	    TestABatchOnTheStackStaysThere

func TestAnOvertakenOwnerWritesIntoItsOwnPageAlone(t *testing.T) {
	impatient(t)
	for _, n := range []int{1, 3} {
		owned := 0
		for before := range 20 {
			stage := newStage(t)
			s := &stored{t, newRing(t, Config{}), 1000, map[uint64]string{}}
			for i := range before {
				s.append(fmt.Sprint("before", i), 1, true, 5)
			}
			a := stage.start(func() { s.append("owner", n, true, 5) })
			if !stage.runTo(a, step.Owned) {
				continue // it needs a page, and proposed it
			}
			owned++
			s.append("successor", n, true, 5)
			page, word := contents(s.r.cur.Load()), s.r.word.Load()
			if !stage.runTo(a, step.Publishing) {
				t.Fatal("the owner has noticed before it wrote")
			}
			if contents(s.r.cur.Load()) != page || s.r.word.Load() != word {
				t.Errorf("%d events after %d: an overtaken owner has changed its successor's page", n, before)
			}
			stage.runTo(a, theEnd)
			s.wantAll()
		}
		if owned < 5 {
			t.Errorf("%d events: owned by only %d", n, owned)
		}
	}
}

// contents is what a page says and holds, as far as that can be seen.
func contents(p *page) string {
	text := fmt.Sprintf("%p %+v", p, p.base)
	for i := range uint64(p.slots) {
		text += fmt.Sprintf(" %+v", *p.slot(i))
	}
	return text + p.text(p.start(), int(p.size()-p.start()))
}

func TestTheWordNeverTakesAValueTwice(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld(t, newRand(seed))
		r := newRing(t, Config{MaxEvents: 3, MaxEventBytes: 300})
		for a := range 4 {
			w.start(func() {
				for i := range 6 {
					switch i % 3 {
					case 0:
						r.Append(Event{ID: fmt.Sprint("same", i)})
					case 1:
						r.AppendAll(nil, []Event{{}, {ID: fmt.Sprint(a, i)}})
					default:
						r.Append(Event{Data: make([]byte, 100*(1+a))}) // some are too large
					}
				}
			})
		}
		was := r.word.Load()
		seen := map[uint64]bool{}
		w.each(func() {
			if now := r.word.Load(); now != was {
				seen[was] = true
				if was = now; seen[now] {
					t.Fatalf("seed %d: the word is %#x again", seed, now)
				}
			}
		})
		step.Set(nil)
	}
}

func TestAPageNewerThanTheWordIsNotPlannedWith(t *testing.T) {
	impatient(t)
	for _, p := range []step.Point{step.WordRead, step.PageRead} {
		for _, n := range []int{1, 2} {
			stage := newStage(t)
			s := &stored{t, newRing(t, Config{MaxEvents: 50}), 50, map[uint64]string{}}
			s.append("before", 3, true, 5)
			a := stage.start(func() { s.append("slow", n, true, 5) })
			if !stage.runTo(a, p) {
				t.Fatal("not reached")
			}
			for page := s.r.cur.Load(); s.r.cur.Load() == page; {
				s.append(fmt.Sprint("quick", s.r.Stats().Last), 1, true, 300)
			}
			stage.runTo(a, theEnd)
			s.wantAll()
		}
	}
}

func TestReadersMissNoPageWhileTheNextOneIsPutInPlace(t *testing.T) {
	const limit = 20
	r := newRing(t, Config{MaxEvents: limit})
	reading, looks := false, 0
	step.Set(func(step.Point) {
		if reading {
			return
		}
		reading = true
		defer func() { reading = false }()
		looks++
		last := r.Stats().Last
		c := mustSeek(t, r, "")
		n := uint64(0)
		for e := (Event{}); c.Next(&e); n++ {
			if seekSeq(t, r, e.ID) != e.Seq {
				t.Fatalf("event %d is not found", e.Seq)
			}
		}
		if c.Err() != nil || n != min(last, limit) {
			t.Fatalf("%d of %d events can be read, %v", n, last, c.Err())
		}
	})
	defer step.Set(nil)
	for n := range 200 {
		mustAppend(t, r, Event{ID: fmt.Sprint(n), Data: make([]byte, n*7%900)})
		if _, err := r.AppendAll(nil, make([]Event, 1+n%4)); err != nil {
			t.Fatal(err)
		}
	}
	if looks < 1000 {
		t.Errorf("looked at %d moments", looks)
	}
}

func TestTheMakerOfAProposalKnowsWhetherItWasPublished(t *testing.T) {
	impatient(t)
	for _, ownerFirst := range []bool{false, true} {
		stage := newStage(t)
		s := &stored{t, newRing(t, Config{}), 1000, map[uint64]string{}}
		s.append("before", 2, true, 5)
		owner := stage.start(func() { s.append("owner", 1, true, 5) })
		maker := stage.start(func() { s.append("maker", 1, true, 5) })
		if !stage.runTo(owner, step.Publishing) || !stage.runTo(maker, step.Proposed) {
			t.Fatal("not reached")
		}
		if ownerFirst { // the proposal comes too late
			stage.runTo(owner, theEnd)
		}
		s.append("helper", 1, true, 5) // it sees a proposal of the present through
		stage.runTo(maker, theEnd)
		stage.runTo(owner, theEnd)
		s.wantAll()
		if last := s.r.Stats().Last; last != 5 {
			t.Errorf("%d events, want five", last)
		}
	}
}

func TestALateProposalReplacesNoNewerOne(t *testing.T) {
	impatient(t)
	stage := newStage(t)
	s := &stored{t, newRing(t, Config{}), 1000, map[uint64]string{}}
	late := stage.start(func() { s.append("late", 1, true, 5) })
	if !stage.runTo(late, step.Proposing) {
		t.Fatal("the first event is not proposed")
	}
	s.append("first", 1, true, 5)
	owner := stage.start(func() { s.append("owner", 1, true, 5) })
	newer := stage.start(func() { s.append("newer", 1, true, 5) })
	if !stage.runTo(owner, step.Owned) || !stage.runTo(newer, step.Proposed) {
		t.Fatal("not reached")
	}
	proposed := s.r.prop.Load()
	for range 4 {
		stage.runTo(late, step.Proposed)
	}
	if now := s.r.prop.Load(); now != proposed && now != nil && now.seq <= proposed.seq {
		t.Errorf("a proposal for %d was replaced by one for %d", proposed.seq, now.seq)
	}
	stage.runTo(newer, theEnd)
	stage.runTo(late, theEnd)
	stage.runTo(owner, theEnd)
	s.wantAll()
}

// The retained event is evicted at any moment of the refusal: it is still the one that is returned.
func TestADuplicateComesWithTheEventThatWasFound(t *testing.T) {
	impatient(t)
	refused := 0
	for k := 1; ; k++ {
		stage := newStage(t)
		r := newRing(t, Config{MaxEvents: 2})
		mustAppend(t, r, Event{})
		mustAppend(t, r, Event{ID: "dup", Data: []byte("first")})
		var got Event
		var err error
		a := stage.start(func() { got, err = r.Append(Event{ID: "dup", Data: []byte("second")}) })
		moved := 0
		for moved < k && !a.done {
			stage.runTo(a, anywhere)
			moved++
		}
		over := a.done
		for range 9 {
			mustAppend(t, r, Event{Data: make([]byte, 2000)})
		}
		stage.runTo(a, theEnd)
		switch {
		case errors.Is(err, ErrDuplicateID):
			refused++
			if got.ID != "dup" || got.Seq != 2 || string(got.Data) != "first" {
				t.Fatalf("after %d steps: the duplicate is %+v", k, got)
			}
		case err != nil || got.ID != "dup" || string(got.Data) != "second":
			t.Fatalf("after %d steps: %+v, %v", k, got, err)
		}
		if over {
			break
		}
	}
	if refused == 0 {
		t.Error("never refused")
	}
}

// A writer's larger index, of hundreds of IDs, is ready when others publish. It adds what they have
// stored to the index that it has.
func TestALargerIndexIsNotMadeAnew(t *testing.T) {
	impatient(t)
	const retained = 400 // the next larger index is for more than 512
	stage := newStage(t)
	r := newRing(t, Config{MaxEvents: 10 * retained})
	for n := range retained {
		mustAppend(t, r, Event{ID: fmt.Sprint("own-", n)})
	}
	var a *puppet
	var id string
	inserted := 0
	for n := retained; inserted < retained; n++ {
		if n > 512 {
			t.Fatal("the index has not grown")
		}
		id, inserted = fmt.Sprint("own-", n), 0
		a = stage.start(func() { r.Append(Event{ID: id}) })
		for stage.runTo(a, anywhere) && a.at != step.Proposing {
			if a.at == step.Inserting {
				inserted++
			}
		}
		if inserted < retained {
			stage.runTo(a, theEnd)
		}
	}
	for range 5 {
		mustAppend(t, r, Event{}) // these need no entry
	}
	inserted = 0
	for stage.runTo(a, anywhere) {
		if a.at == step.Inserting {
			inserted++
		}
	}
	if inserted > 10 {
		t.Errorf("%d entries were copied again", inserted)
	}
	for _, id := range []string{"own-0", fmt.Sprint("own-", retained-1), id} {
		mustSeek(t, r, id)
	}
}

// The index entry of an event is there before the event can be seen, whoever publishes it.
func TestAnEventCanBeFoundFromTheMomentThatItIsVisible(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 10})
	looking := false
	step.Set(func(step.Point) {
		if looking {
			return
		}
		looking = true
		defer func() { looking = false }()
		c, last := mustSeek(t, r, ""), r.Stats().Last
		for e := (Event{}); c.Next(&e); {
			if e.Seq == last && e.ID != fmt.Sprint("own-", last) {
				t.Fatalf("event %d has the ID %q", last, e.ID)
			}
		}
		if last > 0 && seekSeq(t, r, fmt.Sprint("own-", last)) != last {
			t.Fatalf("event %d is visible and not found", last)
		}
	})
	defer step.Set(nil)
	for n := range 100 {
		mustAppend(t, r, Event{ID: fmt.Sprint("own-", n+1)})
	}
}

// One op is an append by the only writer of the ring that gets on: alone, and beside eight that
// have stopped for ever inside their appends and have been overtaken.
func BenchmarkTheNinthWriter(b *testing.B) {
	for _, stopped := range []int{0, 8} {
		b.Run(fmt.Sprint("stopped=", stopped), func(b *testing.B) {
			r, release := besideStopped(b, stopped)
			defer release()
			data := make([]byte, 256)
			b.ReportAllocs()
			b.SetBytes(256)
			for b.Loop() {
				if _, err := r.Append(Event{Data: data}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// besideStopped makes a ring in which so many writers have stopped, each at another step, and a
// thousand events have been appended since.
func besideStopped(b *testing.B, stopped int) (r *Ring, release func()) {
	b.Helper()
	p, y := patience, yields
	patience, yields = 0, 0
	defer func() { patience, yields = p, y }()
	r = newRing(b, Config{})
	stage := new(stage)
	stage.hook()
	defer step.Set(nil)
	var writers []*puppet
	for i := range stopped {
		for n := 0; ; n++ {
			a := stage.start(func() { r.Append(Event{ID: fmt.Sprint("writer", i, n)}) })
			if stage.runTo(a, stops[i]) {
				writers = append(writers, a)
				break
			}
		}
	}
	for range 1000 {
		mustAppend(b, r, Event{})
	}
	return r, func() {
		stage.hook()
		defer step.Set(nil)
		for _, a := range writers {
			stage.runTo(a, theEnd)
		}
	}
}

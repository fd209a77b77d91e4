package ring

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// What is in a page is written from its beginning to its end, as a processor fetches ahead.
func TestEventsOfAPageLieBackToBack(t *testing.T) {
	r := newRing(t, Config{})
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range 500 {
		e := Event{Data: make([]byte, rnd.IntN(300))}
		if n%3 == 0 {
			e.ID, e.Stream, e.Type = fmt.Sprint("own-", n), "stream", "type"
		}
		mustAppend(t, r, e)
		if n%50 == 7 {
			if _, err := r.AppendAll(nil, make([]Event, 5)); err != nil {
				t.Fatal(err)
			}
		}
	}
	v := r.look()
	for seq := v.first; seq < v.newest; seq++ {
		p := v.page(seq)
		if p != v.page(seq+1) {
			continue
		}
		if end, next := p.of(seq).end(), p.of(seq+1).off(); next != end {
			t.Fatalf("event %d ends at %d, the next one begins at %d", seq, end, next)
		}
	}
}

// What goes is counted by what it cost, whether the page knows that or it is looked up, also where
// sequences get longer than the 32 bits by which a page knows them.
func TestBytesAreExactHoweverSizesMix(t *testing.T) {
	for _, start := range []uint64{0, 1<<32 - 200, 1<<33 - 200} {
		for _, cfg := range []Config{
			{MaxEvents: 1}, {MaxEvents: 7}, {MaxEvents: 150}, {MaxBytes: 3000}, {MaxBytes: 40_000, MaxEvents: 60},
		} {
			cfg.MaxEventBytes = 2000
			g, err := newGroup(cfg, shared{Start: start})
			if err != nil {
				t.Fatal(err)
			}
			r := g.New()
			rnd := rand.New(rand.NewPCG(start, 3))
			costs := map[uint64]int64{}
			for n := range 400 {
				es := make([]Event, 1+n%2*rnd.IntN(3))
				for i := range es {
					es[i].Data = make([]byte, []int{0, 10, 800}[rnd.IntN(3)]/len(es))
				}
				stored, err := r.AppendAll(nil, es)
				if err != nil && cfg.MaxEvents > 1 {
					t.Fatal(err)
				}
				for _, e := range stored {
					costs[e.Seq] = int64(e.Size() + Overhead)
				}
				sum, s := int64(0), r.Stats()
				for seq := s.First; seq <= s.Last; seq++ {
					sum += costs[seq]
				}
				if s.Bytes != sum {
					t.Fatalf("%+v from %d: %+v, the events cost %d", cfg, start, s, sum)
				}
			}
		}
	}
}

// A batch that lies on the caller's stack is not moved to the heap by being appended.
func TestABatchOnTheStackStaysThere(t *testing.T) {
	r := newRing(t, Config{})
	for range 2000 {
		mustAppend(t, r, Event{})
	}
	if n := testing.AllocsPerRun(1000, func() {
		var es, dst [4]Event
		if _, err := r.AppendAll(dst[:0], es[:]); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a batch", n)
	}
}

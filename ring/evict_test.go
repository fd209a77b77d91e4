package ring

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/reprise-go/reprise/internal/tally"
)

func TestOverMaxEventsTheOldestGo(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 1000, 1024} {
		r := newRing(t, Config{MaxEvents: limit})
		for n := 1; n <= 3*limit+2; n++ {
			mustAppend(t, r, Event{Data: []byte(fmt.Sprint(n))})
			s := r.Stats()
			want := min(n, limit)
			if s.Events != want || s.Last != uint64(n) || s.First != uint64(n-want+1) || s.Evicted != uint64(n-want) {
				t.Fatalf("limit %d after %d: %+v", limit, n, s)
			}
		}
		got := data(t, mustSeek(t, r, ""))
		for i, d := range got {
			if want := fmt.Sprint(3*limit + 2 - len(got) + 1 + i); d != want {
				t.Fatalf("limit %d: event %d is %s, want %s", limit, i, d, want)
			}
		}
	}
}

// A ring keeps exactly the newest events that fit, whatever their sizes.
func TestOverMaxBytesTheOldestGoUntilItFits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, limit := range []int{500, 5_000, 50_000, 500_000} {
		r := newRing(t, Config{MaxEvents: 300, MaxBytes: limit})
		var sizes []int
		for n := range 3000 {
			e := Event{ID: fmt.Sprint(n), Data: make([]byte, rnd.IntN(min(limit-100, 1<<uint(rnd.IntN(16)+1))))}
			mustAppend(t, r, e)
			sizes = append(sizes, e.Size()+Overhead)
			var sum, count int
			for count < len(sizes) && count < 300 && sum+sizes[len(sizes)-1-count] <= limit {
				sum += sizes[len(sizes)-1-count]
				count++
			}
			if s := r.Stats(); s.Events != count || s.Bytes != int64(sum) {
				t.Fatalf("limit %d after %d: %+v, want %d events, %d bytes", limit, n, s, count, sum)
			}
		}
	}
}

// Memory follows what is retained: events, slots, and pages that are partly used.
func TestMemoryIsBoundedByTheLimits(t *testing.T) {
	for _, c := range []struct {
		events, size int
	}{{1000, 0}, {1000, 100}, {1000, 256}, {1000, 4096}, {100, 5000}, {50, 100_000}, {3, 1 << 20}, {100_000, 64}} {
		r := newRing(t, Config{MaxEvents: c.events, MaxBytes: 1 << 30})
		for range 3*c.events + 10 {
			mustAppend(t, r, Event{Data: make([]byte, c.size)})
		}
		s := r.Stats()
		perEvent := float64(r.Memory()-s.Bytes+Overhead*int64(s.Events)) / float64(s.Events)
		slack := 75 + float64(2*pageBytes)/float64(s.Events) + float64(c.size)/8
		if perEvent > slack {
			t.Errorf(
				"%d × %d bytes: %.0f bytes of overhead an event, want at most %.0f",
				c.events,
				c.size,
				perEvent,
				slack,
			)
		}
	}
}

// Small and large events in turn do not leave pages half empty.
func TestMixedSizesDoNotWasteMemory(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 1000})
	for n := range 5000 {
		size := 100
		if n%2 == 0 {
			size = 5000
		}
		mustAppend(t, r, Event{Data: make([]byte, size)})
	}
	if s := r.Stats(); r.Memory() > s.Bytes*5/4 {
		t.Errorf("%d bytes of heap for %d retained", r.Memory(), s.Bytes)
	}
}

// Racing duplicates discard their records; the space is taken back.
func TestRefusedAppendsDoNotPileUp(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 10})
	mustAppend(t, r, Event{ID: "x", Data: make([]byte, 1000)})
	before := r.Memory()
	for range 10_000 {
		if _, err := r.Append(Event{ID: "x", Data: make([]byte, 1000)}); err == nil {
			t.Fatal("stored twice")
		}
	}
	if r.Memory() != before {
		t.Errorf("memory went from %d to %d", before, r.Memory())
	}
}

// What a group counts is what its rings retain, and nothing once they are released.
func TestReleaseTakesTheRingOutOfTheTallyAndTheBudgetOnce(t *testing.T) {
	sums, budget := tally.New(4), tally.NewBudget(1<<20, 0)
	g, err := newGroup(Config{MaxEvents: 10}, shared{Tally: sums, Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	for _, events := range []int{0, 1, 25} {
		for _, id := range []string{"", "own"} {
			r := g.New()
			for n := range events {
				e := Event{Data: make([]byte, n*100)}
				if id != "" {
					e.ID = fmt.Sprint(id, n)
				}
				mustAppend(t, r, e)
			}
			s := sums.Sum()
			if st := r.Stats(); s.Events != int64(st.Events) || s.Bytes != st.Bytes || s.Memory != r.Memory() ||
				budget.Used() != st.Bytes {
				t.Errorf(
					"%d events: tally %+v, budget %d, ring %+v, %d bytes",
					events,
					s,
					budget.Used(),
					st,
					r.Memory(),
				)
			}
			final := r.Stats()
			for range 2 {
				if got := r.Release(); got != final {
					t.Errorf("Release returns %+v, want %+v", got, final)
				}
			}
			if s := sums.Sum(); s.Events != 0 || s.Bytes != 0 || s.Memory != 0 || budget.Used() != 0 {
				t.Errorf("%d events, released: tally %+v, budget %d", events, s, budget.Used())
			}
		}
	}
	if s := sums.Sum(); s.Appended != 52 || s.Released != 2*(0+1+10) {
		t.Errorf("tally %+v", s)
	}
}

// Rings that share a budget: the one that grows pays with its own events, and an event that does
// not fit at all evicts nothing.
func TestSharedBudgetIsPaidByTheRingThatAppends(t *testing.T) {
	const cost = 100 + Overhead
	budget := tally.NewBudget(10*cost, 0)
	g, _ := newGroup(Config{}, shared{Budget: budget})
	quiet, greedy := g.New(), g.New()
	for n := range 4 {
		mustAppend(t, quiet, Event{ID: fmt.Sprint(n), Data: make([]byte, 99)})
	}
	for n := range 50 {
		mustAppend(t, greedy, Event{ID: fmt.Sprintf("%02d", n), Data: make([]byte, 98)})
	}
	if q, s := quiet.Stats(), greedy.Stats(); q.Events != 4 || s.Events != 6 || budget.Used() != 10*cost {
		t.Errorf("quiet %+v, greedy %+v, used %d", q, s, budget.Used())
	}
	_, err := greedy.Append(Event{ID: "huge", Data: make([]byte, 6*cost)})
	wantErr(t, err, ErrOverBudget)
	if s := greedy.Stats(); s.Events != 6 || budget.Used() != 10*cost {
		t.Errorf("a refused event changed the ring to %+v, used %d", s, budget.Used())
	}
	_, err = g.New().Append(Event{ID: "x"})
	wantErr(t, err, ErrOverBudget)
	quiet.Release()
	mustAppend(t, greedy, Event{ID: "huge", Data: make([]byte, 6*cost)})
}

package ring

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/tally"
)

func TestAppendAllStoresCopiesUnderConsecutiveSequences(t *testing.T) {
	r := newRing(t, Config{})
	mustAppend(t, r, Event{})
	when := time.Unix(5, 6)
	buf := []byte("two")
	es := []Event{{ID: "own", Stream: "s", Type: "t", Data: []byte("one"), Time: when}, {Seq: 77, Data: buf}, {}}
	dst := make([]Event, 9)
	got, err := r.AppendAll(dst, es)
	if err != nil || len(got) != 3 || &got[0] != &dst[0] {
		t.Fatalf("%d events, %v", len(got), err)
	}
	clear(buf)
	c := mustSeek(t, r, "")
	var read Event
	c.Next(&read)
	for i, want := range []string{"one", "two", ""} {
		c.Next(&read)
		for _, e := range []Event{got[i], read} {
			if e.Seq != uint64(i+2) || string(e.Data) != want || e.Stream != es[i].Stream || e.Type != es[i].Type ||
				seekSeq(t, r, e.ID) != e.Seq {
				t.Errorf("event %d is %+v", i, e)
			}
		}
	}
	if got[0].ID != "own" || !got[0].Time.Equal(when) || got[1].Time.IsZero() {
		t.Errorf("%+v", got)
	}
	if again, err := r.AppendAll(got, got[:0]); err != nil || len(again) != 0 {
		t.Errorf("no events: %d, %v", len(again), err)
	}
}

func TestAppendAllMayUseItsArgumentForTheResult(t *testing.T) {
	r := newRing(t, Config{})
	es := []Event{{ID: "a", Data: []byte("1")}, {ID: "b", Data: []byte("2")}}
	got, err := r.AppendAll(es, es)
	if err != nil || &got[0] != &es[0] || got[1].Seq != 2 || string(got[1].Data) != "2" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestABatchIsRefusedAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name string
		es   []Event
		want error
	}{
		{"retained ID", []Event{{}, {ID: "there"}}, ErrDuplicateID},
		{"ID twice", []Event{{ID: "x"}, {}, {ID: "x"}}, ErrDuplicateID},
		{"invalid", []Event{{}, {ID: "a\n"}}, ErrInvalidEvent},
		{"one too large", []Event{{}, {Data: make([]byte, 600)}}, ErrEventTooLarge},
		{"too many", make([]Event, 9), ErrEventTooLarge},
		{"too many bytes", []Event{{Data: make([]byte, 400)}, {Data: make([]byte, 400)}, {Data: make([]byte, 400)}},
			ErrEventTooLarge},
	} {
		r := newRing(t, Config{MaxEvents: 8, MaxEventBytes: 500, MaxBytes: 1200})
		there := mustAppend(t, r, Event{ID: "there"})
		before := r.Stats()
		got, err := r.AppendAll(nil, c.es)
		if !errors.Is(err, c.want) || r.Stats() != before {
			t.Errorf("%s: %v, want %v; %+v", c.name, err, c.want, r.Stats())
		}
		if c.name == "retained ID" && (len(got) != 1 || got[0].Seq != there.Seq) ||
			c.name != "retained ID" && len(got) != 0 {
			t.Errorf("%s: returns %+v", c.name, got)
		}
		r.Close()
		_, err = r.AppendAll(nil, c.es)
		wantErr(t, err, ErrClosed)
	}
}

// The largest batch there may be, and large batches of own IDs, of which two may be equal.
func TestABatchMayFillTheWholeRing(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 500})
	for round := range 5 {
		es := make([]Event, 500)
		for i := range es {
			es[i] = Event{ID: fmt.Sprint(round, ".", i), Data: make([]byte, i*round)}
		}
		twice := append([]Event(nil), es[:100]...)
		twice[90].ID = twice[3].ID
		_, err := r.AppendAll(nil, twice)
		wantErr(t, err, ErrDuplicateID)
		if _, err := r.AppendAll(nil, es); err != nil {
			t.Fatal(err)
		}
		if s := r.Stats(); s.Events != 500 || s.Last != uint64(500*(round+1)) {
			t.Fatalf("%+v", s)
		}
		for i := range es {
			if seq := seekSeq(t, r, es[i].ID); seq != uint64(500*round+i+1) {
				t.Fatalf("%q is %d", es[i].ID, seq)
			}
		}
	}
}

// A batch has an own ID that looks like the one which another of its events would be assigned.
func TestAssignedIDsOfABatchAreNotThoseThatItBrings(t *testing.T) {
	r := newRing(t, Config{})
	tag, _, _ := strings.Cut(mustAppend(t, r, Event{}).ID, "-")
	got, err := r.AppendAll(nil, []Event{{}, {ID: tag + "-4"}, {}, {ID: tag + "-2"}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range got {
		if seen[e.ID] || seekSeq(t, r, e.ID) != e.Seq {
			t.Errorf("event %d has the ID %q", e.Seq, e.ID)
		}
		seen[e.ID] = true
	}
}

func TestABatchIsCountedInTallyAndBudget(t *testing.T) {
	sums, budget := tally.New(1), tally.NewBudget(10*(Overhead+10), 0)
	g, err := newGroup(Config{}, shared{Tally: sums, Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	r := g.New()
	batch := func(n, size int) error {
		es := make([]Event, n)
		for i := range es {
			es[i] = Event{ID: fmt.Sprintf("%04d", int(r.Stats().Last)+i), Data: make([]byte, size)}
		}
		_, err := r.AppendAll(nil, es)
		return err
	}
	for n := 1; n <= 10; n++ {
		if err := batch(n, 6); err != nil {
			t.Fatal(err)
		}
		st, s := r.Stats(), sums.Sum()
		if s.Events != int64(st.Events) || s.Bytes != st.Bytes || budget.Used() != st.Bytes ||
			s.Appended != int64(st.Last) ||
			s.Memory != r.Memory() {
			t.Errorf("%+v, budget %d, ring %+v", s, budget.Used(), st)
		}
	}
	wantErr(t, batch(11, 6), ErrOverBudget)
}

// Batches race with each other, single events, a reader and Close: a reader never sees a part of a
// batch as the newest.
func TestBatchesAreVisibleAtOnce(t *testing.T) {
	for round := range 20 {
		r := newRing(t, Config{MaxEvents: 64})
		var writers, readers sync.WaitGroup
		for range 3 {
			writers.Go(func() {
				es := []Event{
					{Data: []byte("1/4")},
					{Data: []byte("2/4")},
					{Data: []byte("3/4")},
					{Data: []byte("4/4")},
				}
				for range 500 {
					got, err := r.AppendAll(nil, es)
					if err != nil {
						wantErr(t, err, ErrClosed)
						return
					}
					if got[3].Seq != got[0].Seq+3 {
						t.Errorf("sequences %d to %d", got[0].Seq, got[3].Seq)
					}
				}
			})
		}
		readers.Go(func() {
			for {
				last := r.Tail()
				if last.Seq()%4 != 0 {
					t.Errorf("event %d was visible without the rest of its batch", last.Seq())
				}
				if s := r.Stats(); s.Last%4 != 0 {
					t.Errorf("%+v", s)
				}
				if r.Wait(t.Context(), last.Seq()) != nil || last.Seq() == 6000 {
					return
				}
				if last.Seq() > 3000 && round%2 == 0 {
					r.Close()
				}
				if last.Seq() >= 5996 {
					return
				}
			}
		})
		writers.Wait()
		r.Close()
		readers.Wait()
	}
}

// Events above a page, alone and in batches, whole and counted, and gone when they are evicted.
func TestLargeEventsAndBatchesAreStoredWhole(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 6, MaxBytes: 8 << 20})
	for n := range uint64(60) {
		sizes := []int{100, 4 << 10, 9_000, 100, 70_000, 1 << 19}
		es := make([]Event, 1+n%3)
		for i := range es {
			es[i].Data = payload(nil, n, uint64(i), sizes[(n+uint64(i))%6])
		}
		if _, err := r.AppendAll(nil, es); err != nil {
			t.Fatal(err)
		}
		var e Event
		read := 0
		for c := mustSeek(t, r, ""); c.Next(&e); read++ {
			checkPayload(t, &e)
		}
		if s := r.Stats(); read != s.Events || r.Memory() > 3*s.Bytes+3*(1<<19) {
			t.Fatalf("%d events of %+v, %d bytes of heap", read, s, r.Memory())
		}
	}
}

package ring

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestAPositionIsAPlaceWithOrWithoutAnEvent(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 3})
	beginning := r.PositionID(0)
	if c := mustSeek(t, r, beginning); c.Seq() != 0 {
		t.Errorf("the beginning of an empty ring is after %d", c.Seq())
	}
	for n := range 3 {
		mustAppend(t, r, Event{Stream: fmt.Sprint(n % 2), Data: fmt.Append(nil, n)})
	}
	for seq, want := range []string{"[0 1 2]", "[1 2]", "[2]", "[]"} {
		if got := fmt.Sprint(data(t, mustSeek(t, r, r.PositionID(uint64(seq))))); got != want {
			t.Errorf("after position %d come %s, want %s: every stream", seq, got, want)
		}
	}
}

func TestAPositionBelowTheOldestEventIsErrEvicted(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 3})
	for range 5 {
		mustAppend(t, r, Event{})
	}
	for seq, want := range []error{ErrEvicted, ErrEvicted, nil, nil, nil, nil, ErrUnknownID, ErrUnknownID} {
		_, err := r.Seek(r.PositionID(uint64(seq)))
		if want == nil && err != nil {
			t.Errorf("position %d: %v", seq, err)
		} else if want != nil {
			wantErr(t, err, want)
		}
	}
}

func TestWhatIsNoPositionOfThisRingIsUnknown(t *testing.T) {
	r, other := newRing(t, Config{}), newRing(t, Config{})
	mustAppend(t, r, Event{})
	tag, _, _ := strings.Cut(r.PositionID(0), ".")
	for _, id := range []string{
		other.PositionID(0), tag + ".", tag + ".00", tag + ".01", tag + ".+1", tag + ".-1", tag + ".1x", tag + ".2",
		tag + "-0", tag + ".1.1",
		tag + ".99999999999999999999", tag + ".18446744073709551616", tag, "." + tag, tag + " 1",
	} {
		_, err := r.Seek(id)
		if err == nil {
			t.Errorf("Seek(%q) succeeded", id)
			continue
		}
		wantErr(t, err, ErrUnknownID)
	}
}

func TestNoEventIDIsAssignedThatAPositionHas(t *testing.T) {
	r := newRing(t, Config{})
	for n := range 100 {
		e := mustAppend(t, r, Event{})
		if e.ID == r.PositionID(uint64(n)) || e.ID == r.PositionID(e.Seq) {
			t.Fatalf("event %d has ID %q", e.Seq, e.ID)
		}
	}
}

func TestAnOwnEventIDOfAPositionsFormWinsWhileItIsRetained(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 3})
	id := r.PositionID(2)
	own := mustAppend(t, r, Event{ID: id, Stream: "a", Data: []byte("own")})
	mustAppend(t, r, Event{Data: []byte("2")})
	mustAppend(t, r, Event{Stream: "a", Data: []byte("3")})
	if _, err := r.Append(Event{ID: id}); err == nil {
		t.Error("stored twice")
	}
	if got := fmt.Sprint(data(t, mustSeek(t, r, id))); got != "[3]" || own.Seq != 1 {
		t.Errorf("after the event come %s, want what follows on its stream", got)
	}
	mustAppend(t, r, Event{Data: []byte("4")}) // the own event goes
	if got := fmt.Sprint(data(t, mustSeek(t, r, id))); got != "[3 4]" {
		t.Errorf("after the position come %s", got)
	}
}

// A position is never skipped over in silence: whoever begins at one reads the next event or
// ErrEvicted.
func TestAPositionRacesWithEviction(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 4})
	var writing sync.WaitGroup
	stop := make(chan struct{})
	writing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				r.Append(Event{})
			}
		}
	})
	for range 20_000 {
		at := r.Stats().Last
		c, err := r.Seek(r.PositionID(at))
		if err != nil {
			wantErr(t, err, ErrEvicted)
			continue
		}
		var e Event
		if c.Next(&e) {
			if e.Seq != at+1 {
				t.Fatalf("event %d after position %d", e.Seq, at)
			}
		} else if err := c.Err(); err != nil {
			wantErr(t, err, ErrEvicted)
		}
	}
	close(stop)
	writing.Wait()
}

func TestACursorGoesOnFromTheOldestEventOnItsStream(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 3})
	var zero Cursor
	if zero = zero.Oldest(); zero.Next(new(Event)) {
		t.Error("the zero Cursor reads")
	}
	c := mustSeek(t, r, mustAppend(t, r, Event{Stream: "a"}).ID)
	all := c.All()
	for n := range 6 {
		mustAppend(t, r, Event{Stream: []string{"a", "b"}[n%2], Data: fmt.Append(nil, n)})
	}
	for _, c := range []struct {
		cursor Cursor
		want   string
	}{{c, "[4]"}, {all, "[3 4 5]"}} {
		if c.cursor.Next(new(Event)) || c.cursor.Err() == nil {
			t.Error("the cursor has not been overtaken: the test does not test")
		}
		c.cursor = c.cursor.Oldest()
		if got := fmt.Sprint(data(t, c.cursor)); got != c.want {
			t.Errorf("it goes on with %s, want %s", got, c.want)
		}
	}
}

package ring

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/internal/tally"
)

func newAt(t *testing.T, cfg Config, tag string, start uint64) *Ring {
	t.Helper()
	g, err := newGroup(cfg, shared{})
	if err != nil {
		t.Fatal(err)
	}
	r := new(Ring)
	if err := g.InitAt(r, tag, start); err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever a ring answered about its events, one that is made from them answers.
func TestARingThatIsMadeAgainKnowsTheIDsOfTheFirst(t *testing.T) {
	first := newRing(t, Config{MaxEvents: 4})
	var all []Event
	for n := range 10 {
		e := Event{Stream: fmt.Sprint(n % 2), Data: fmt.Append(nil, n)}
		if n == 7 {
			e.ID = "own"
		}
		if n == 6 {
			e.ID = first.Tag() + "-9" // which the ring would assign to a later event
		}
		all = append(all, mustAppend(t, first, e))
	}
	second := newAt(t, Config{MaxEvents: 4}, first.Tag(), 6)
	if s := second.Stats(); s != (Stats{Last: 6, Evicted: 6}) {
		t.Errorf("empty: %+v", s)
	}
	for _, e := range all[6:] {
		given := e
		if e.ID == fmt.Sprintf("%s-%d", first.Tag(), e.Seq) {
			given.ID = ""
		}
		if got := mustAppend(t, second, given); got.ID != e.ID || got.Seq != e.Seq || !got.Time.Equal(e.Time) {
			t.Errorf("%+v has become %+v", e, got)
		}
	}
	if a, b := first.Stats(), second.Stats(); a != b {
		t.Errorf("%+v and %+v", a, b)
	}
	ids := []string{
		first.PositionID(3),
		first.PositionID(6),
		first.PositionID(8),
		first.PositionID(11),
		"who",
		first.Tag() + "-11",
	}
	for _, e := range all {
		ids = append(ids, e.ID)
	}
	for _, id := range ids {
		a, errA := first.Seek(id)
		b, errB := second.Seek(id)
		if fmt.Sprint(errA) != fmt.Sprint(errB) || a.Seq() != b.Seq() {
			t.Errorf("Seek(%q): %d, %v; made again: %d, %v", id, a.Seq(), errA, b.Seq(), errB)
		}
	}
	a, b := mustAppend(t, first, Event{}), mustAppend(t, second, Event{})
	if a.ID != b.ID || a.Seq != b.Seq {
		t.Errorf("the next events are %s and %s", a.ID, b.ID)
	}
}

func TestATagOrAStartThatNoRingHasIsRefused(t *testing.T) {
	g, err := newGroup(Config{}, shared{})
	if err != nil {
		t.Fatal(err)
	}
	tag := newRing(t, Config{}).Tag()
	for _, bad := range []string{"", tag[1:], tag + "0", "i" + tag[1:], tag[:11] + "é",
		strings.ToUpper("a" + tag[1:])} {
		if err := g.InitAt(new(Ring), bad, 0); err == nil {
			t.Errorf("tag %q was taken", bad)
		}
	}
	for _, start := range []uint64{MaxSeq + 1, math.MaxUint64} {
		if err := g.InitAt(new(Ring), tag, start); err == nil || !strings.Contains(err.Error(), fmt.Sprint(start)) {
			t.Errorf("start %d: %v", start, err)
		}
	}
	last := new(Ring)
	err = g.InitAt(last, tag, MaxSeq)
	if err != nil {
		t.Fatal(err)
	}
	_, err = last.Append(Event{})
	wantErr(t, err, ErrClosed)
}

// The counters of a ring are found by its tag: it takes out of them what it put in.
func TestARingThatIsMadeAgainLeavesNothingInTheCounters(t *testing.T) {
	y := tally.New(64)
	g, err := newGroup(Config{}, shared{Tally: y})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		r := new(Ring)
		err = g.InitAt(r, newRing(t, Config{}).Tag(), 5)
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, r, Event{Data: []byte("x")})
		r.Release()
	}
	if s := y.Sum(); s.Memory != 0 || s.Events != 0 || s.Bytes != 0 || s.Released != 100 {
		t.Errorf("%+v", s)
	}
	for hash := range uint64(64) {
		if n := y.Stripe(hash).Memory.Load(); n != 0 {
			t.Errorf("stripe %d: %d bytes", hash, n)
		}
	}
}

// IDs that another log assigned come along, though they count as the events' own here.
func TestIDsOfAnotherLogAreRestoredWhateverTheLimitsSay(t *testing.T) {
	cfg := Config{MaxEvents: 4, MaxEventBytes: 8, MaxIDBytes: 4}
	first := newRing(t, cfg)
	g, err := newGroup(cfg, shared{})
	if err != nil {
		t.Fatal(err)
	}
	second := new(Ring)
	if err := g.Restoring().InitAt(second, newRing(t, cfg).Tag(), 0); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for range 4 {
		e := mustAppend(t, first, Event{Data: []byte("12345678")})
		if got := mustAppend(t, second, e); got.ID != e.ID || got.Seq != e.Seq {
			t.Errorf("%+v has become %+v", e, got)
		}
		ids = append(ids, e.ID)
	}
	g.Adopt(second)
	for i, id := range ids {
		if c := mustSeek(t, second, id); c.Seq() != uint64(i+1) {
			t.Errorf("%q is after %d", id, c.Seq())
		}
	}
	_, err = second.Append(Event{ID: ids[0], Data: []byte("1")})
	wantErr(t, err, ErrInvalidEvent)
	_, err = second.Append(Event{Data: []byte("123456789")})
	wantErr(t, err, ErrEventTooLarge)
	if e := mustAppend(t, second, Event{Data: []byte("12345678")}); e.ID != fmt.Sprintf("%s-5", second.Tag()) {
		t.Errorf("the next one is %+v", e)
	}
	if _, err := second.Seek(ids[0]); err == nil {
		t.Error("the oldest one is still there")
	}
}

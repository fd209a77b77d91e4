package ring

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAppendNumbersEventsFromOneAndIgnoresTheCallersSeq(t *testing.T) {
	r := newRing(t, Config{})
	for want := uint64(1); want <= 50; want++ {
		if got := mustAppend(t, r, Event{Seq: 999}); got.Seq != want {
			t.Fatalf("Seq is %d, want %d", got.Seq, want)
		}
	}
}

func TestAppendStoresACopyAndReturnsTheStoredEvent(t *testing.T) {
	r := newRing(t, Config{})
	buf := []byte("payload")
	when := time.Unix(1234, 5678)
	got := mustAppend(t, r, Event{ID: "a", Stream: "s", Type: "t", Data: buf, Time: when})
	clear(buf)
	var read Event
	c := mustSeek(t, r, "")
	c.Next(&read)
	for _, e := range []Event{got, read} {
		if e.ID != "a" || e.Stream != "s" || e.Type != "t" || string(e.Data) != "payload" || !e.Time.Equal(when) ||
			e.Seq != 1 {
			t.Errorf("event is %+v", e)
		}
		if cap(e.Data) != len(e.Data) {
			t.Error("appending to Data would write into the log")
		}
	}
}

func TestAppendAssignsTheTime(t *testing.T) {
	r := newRing(t, Config{})
	before := time.Now()
	got := mustAppend(t, r, Event{}).Time
	if got.Before(before.Add(-time.Second)) || got.After(time.Now().Add(time.Second)) {
		t.Errorf("Time is %v, now is %v", got, before)
	}
}

func TestAppendAssignsTaggedIDs(t *testing.T) {
	r, other := newRing(t, Config{MaxEvents: 5}), newRing(t, Config{})
	var tag string
	for n := 1; n <= 120; n++ {
		e := mustAppend(t, r, Event{})
		got, seq, ok := strings.Cut(e.ID, "-")
		if tag == "" {
			tag = got
		}
		if !ok || got != tag || seq != fmt.Sprint(n) {
			t.Fatalf("ID of event %d is %q", n, e.ID)
		}
		mustAppend(t, other, Event{})
		_, err := other.Seek(e.ID)
		wantErr(t, err, ErrUnknownID)
	}
}

func TestDuplicateIDReturnsTheRetainedEventAndStoresNothing(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 4})
	first := mustAppend(t, r, Event{ID: "x", Data: []byte("one")})
	assigned := mustAppend(t, r, Event{})
	before := r.Stats()
	for id, want := range map[string]Event{"x": first, assigned.ID: assigned} {
		got, err := r.Append(Event{ID: id, Data: []byte("two")})
		wantErr(t, err, ErrDuplicateID)
		if got.Seq != want.Seq || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("returned event is %+v, want %+v", got, want)
		}
	}
	if r.Stats() != before {
		t.Errorf("stats went from %+v to %+v", before, r.Stats())
	}
}

func TestDuplicateOfTheOldestEventOfAFullRingIsRefused(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 2})
	mustAppend(t, r, Event{ID: "a"})
	mustAppend(t, r, Event{ID: "b"})
	_, err := r.Append(Event{ID: "a"})
	wantErr(t, err, ErrDuplicateID)
}

func TestEvictedIDIsFreeAgain(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 3})
	for n := range 1000 {
		if got := mustAppend(t, r, Event{ID: fmt.Sprint(n % 4)}); got.Seq != uint64(n+1) {
			t.Fatalf("Seq is %d, want %d", got.Seq, n+1)
		}
	}
}

func TestOfRacingAppendsOfOneIDExactlyOneWins(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 64})
	const racers, rounds = 8, 500
	for round := range rounds {
		id := fmt.Sprint("id", round)
		var wg sync.WaitGroup
		seqs := make([]uint64, racers)
		wins := make([]bool, racers)
		for i := range racers {
			wg.Go(func() {
				e, err := r.Append(Event{ID: id, Data: []byte{byte(i)}})
				seqs[i], wins[i] = e.Seq, err == nil
				if err != nil && !errors.Is(err, ErrDuplicateID) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		won := 0
		for i := range racers {
			if wins[i] {
				won++
			}
			if seqs[i] != uint64(round+1) {
				t.Fatalf("round %d: racer %d got sequence %d", round, i, seqs[i])
			}
		}
		if won != 1 {
			t.Fatalf("round %d: %d winners", round, won)
		}
	}
}

func TestInvalidFieldIsNamedAndStoresNothing(t *testing.T) {
	long := strings.Repeat("x", 257)
	for _, c := range []struct {
		field string
		e     Event
	}{
		{"ID", Event{ID: "a\x00"}}, {"ID", Event{ID: "a\r"}}, {"ID", Event{ID: "\na"}},
		{"ID", Event{ID: long}}, {"ID", Event{ID: "\xff"}}, {"ID", Event{ID: "a\x1bb"}}, {"ID",
			Event{ID: "a\x7fb"}}, {"ID", Event{ID: "a\u0085b"}},
		{"ID", Event{ID: " a"}}, {"ID", Event{ID: "a "}}, {"ID", Event{ID: "\ta"}}, {"ID", Event{ID: "a\t"}}, {"ID",
			Event{ID: "12345678\t12345678"}},
		{"Stream", Event{Stream: "a\x00"}}, {"Stream", Event{Stream: "a\r"}}, {"Stream",
			Event{Stream: "a\n"}}, {"Stream", Event{Stream: long}}, {"Stream", Event{Stream: "abcdefgh\xff"}},
		{"Type", Event{Type: "a\x00"}}, {"Type", Event{Type: "a\r"}}, {"Type", Event{Type: "a\n"}}, {"Type",
			Event{Type: long}}, {"Type", Event{Type: "\xc0\x80"}},
		{"Time", Event{Time: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)}}, {"Time",
			Event{Time: time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		r := newRing(t, Config{})
		_, err := r.Append(c.e)
		wantErr(t, err, ErrInvalidEvent)
		if !strings.Contains(err.Error(), c.field+" ") {
			t.Errorf("%+v: %v does not name %s", c.e, err, c.field)
		}
		if s := r.Stats(); s != (Stats{}) {
			t.Errorf("%+v left %+v", c.e, s)
		}
	}
}

func TestUnusualButValidFieldsAreStored(t *testing.T) {
	edge := strings.Repeat("x", 256)
	for _, e := range []Event{
		{ID: edge, Stream: edge, Type: edge},
		{ID: "a b", Stream: " a ", Type: "\ta\t"},
		{ID: "日本語", Stream: "ü\x1b", Type: "😀"},
		{ID: "a\u00a0"}, {Stream: "\x7f"},
		{Time: time.Unix(0, math.MinInt64)}, {Time: time.Unix(0, math.MaxInt64)},
	} {
		r := newRing(t, Config{})
		got := mustAppend(t, r, e)
		if got.Stream != e.Stream || got.Type != e.Type || e.ID != "" && got.ID != e.ID ||
			!e.Time.IsZero() && !got.Time.Equal(e.Time) {
			t.Errorf("stored %+v, want %+v", got, e)
		}
		if c := mustSeek(t, r, got.ID); c.Seq() != 1 {
			t.Errorf("Seek(%q) is %d", got.ID, c.Seq())
		}
	}
}

func TestEventAboveALimitIsTooLargeAndExactlyAtItIsNot(t *testing.T) {
	for _, c := range []struct {
		cfg Config
		max int
	}{
		{Config{MaxEventBytes: 100}, 100},
		{Config{MaxBytes: 100 + Overhead}, 100},
		{Config{MaxEventBytes: 200, MaxBytes: 100 + Overhead}, 100},
		{Config{MaxBytes: 1 << 20, MaxEventBytes: 1 << 20}, 1<<20 - Overhead},
	} {
		for _, id := range []string{"", "id"} {
			r := newRing(t, c.cfg)
			mustAppend(t, r, Event{})
			e := Event{ID: id, Stream: "s", Type: "t"}
			e.Data = make([]byte, c.max-e.Size())
			if got := mustAppend(t, r, e); len(got.Data) != len(e.Data) {
				t.Errorf("%+v: stored %d bytes", c.cfg, len(got.Data))
			}
			before := r.Stats()
			e.ID += "x"
			_, err := r.Append(Event{ID: e.ID, Stream: "s", Type: "tt", Data: e.Data})
			wantErr(t, err, ErrEventTooLarge)
			if r.Stats() != before {
				t.Errorf("%+v: a refused event changed %+v to %+v", c.cfg, before, r.Stats())
			}
		}
	}
}

func TestInvalidComesBeforeTooLargeAndTooLargeBeforeDuplicate(t *testing.T) {
	r := newRing(t, Config{MaxEventBytes: 10})
	mustAppend(t, r, Event{ID: "a"})
	_, err := r.Append(Event{ID: "a\n", Data: make([]byte, 100)})
	wantErr(t, err, ErrInvalidEvent)
	_, err = r.Append(Event{ID: "a", Data: make([]byte, 100)})
	wantErr(t, err, ErrEventTooLarge)
	_, err = r.Append(Event{ID: "a", Data: make([]byte, 9)})
	wantErr(t, err, ErrDuplicateID)
	r.Close()
	_, err = r.Append(Event{ID: "a\n"})
	wantErr(t, err, ErrClosed)
}

func TestEmptyDataIsStoredReplayedAndCosts(t *testing.T) {
	r := newRing(t, Config{MaxBytes: 10 * (Overhead + 1)})
	for n := range 30 {
		mustAppend(t, r, Event{ID: string(rune('A' + n))})
	}
	if s := r.Stats(); s.Events != 10 || s.Bytes != 10*(Overhead+1) {
		t.Errorf("stats are %+v", s)
	}
	if got := data(t, mustSeek(t, r, "")); len(got) != 10 || got[0] != "" {
		t.Errorf("replay is %q", got)
	}
}

// The last sequence number is the end of the ring.
func TestRingThatHasUsedUpItsSequencesIsClosed(t *testing.T) {
	g, err := newGroup(Config{}, shared{Start: MaxSeq - 3})
	if err != nil {
		t.Fatal(err)
	}
	r := g.New()
	for want := uint64(MaxSeq - 2); want <= MaxSeq; want++ {
		e := mustAppend(t, r, Event{})
		if e.Seq != want || seekSeq(t, r, e.ID) != want {
			t.Fatalf("event %d: %+v", want, e)
		}
	}
	_, err = r.Append(Event{})
	wantErr(t, err, ErrClosed)
	wantErr(t, r.Wait(t.Context(), MaxSeq), ErrClosed)
	if s := r.Stats(); s.Events != 3 {
		t.Errorf("stats are %+v", s)
	}
}

package ring

import (
	"fmt"
	"runtime"
	"testing"
)

func TestZeroCursorHasNothingToRead(t *testing.T) {
	var c Cursor
	var e Event
	if c.Next(&e) || c.Err() != nil || c.Seq() != 0 {
		t.Errorf("zero cursor: %v, %d", c.Err(), c.Seq())
	}
}

func TestTailSeesOnlyWhatComesAfter(t *testing.T) {
	r := newRing(t, Config{})
	mustAppend(t, r, Event{Data: []byte("old")})
	c := r.Tail()
	var e Event
	if c.Next(&e) {
		t.Fatalf("read %q", e.Data)
	}
	mustAppend(t, r, Event{Stream: "s", Data: []byte("new")})
	if !c.Next(&e) || string(e.Data) != "new" || c.Seq() != 2 {
		t.Errorf("read %q at %d", e.Data, c.Seq())
	}
}

func TestCaughtUpCursorGoesOnWhenEventsCome(t *testing.T) {
	r := newRing(t, Config{})
	c := mustSeek(t, r, "")
	var e Event
	for n := uint64(1); n < 100; n++ {
		if c.Next(&e) || c.Err() != nil {
			t.Fatalf("read %d, %v", e.Seq, c.Err())
		}
		mustAppend(t, r, Event{})
		if !c.Next(&e) || e.Seq != n {
			t.Fatalf("read %d, want %d", e.Seq, n)
		}
	}
}

func TestOvertakenCursorFailsWithErrEvicted(t *testing.T) {
	for _, stream := range []string{"", "quiet"} {
		for read := range 3 {
			r := newRing(t, Config{MaxEvents: 4})
			c := mustSeek(t, r, "").Only(stream)
			var e Event
			for n := range 5 + read {
				mustAppend(t, r, Event{Stream: stream, Data: []byte{byte(n)}})
				if n < read && !c.Next(&e) {
					t.Fatalf("event %d is not read: %v", n+1, c.Err())
				}
			}
			for range 2 {
				if c.Next(&e) {
					t.Fatalf("read %d across a gap", e.Seq)
				}
				wantErr(t, c.Err(), ErrEvicted)
			}
		}
	}
}

func TestOnlyAndAllKeepThePosition(t *testing.T) {
	r := newRing(t, Config{})
	for n := range 6 {
		mustAppend(t, r, Event{ID: fmt.Sprint(n), Stream: []string{"a", "b"}[n%2], Data: []byte(fmt.Sprint(n))})
	}
	c := mustSeek(t, r, "1")
	for want, got := range map[string]Cursor{"[3 5]": c, "[2 4]": c.Only("a"), "[2 3 4 5]": c.All(),
		"[]": c.Only("none")} {
		if s := fmt.Sprint(data(t, got)); s != want {
			t.Errorf("read %s, want %s", s, want)
		}
	}
}

func TestCopyOfACursorReadsOnByItself(t *testing.T) {
	r := newRing(t, Config{})
	for n := range 3 {
		mustAppend(t, r, Event{Data: []byte(fmt.Sprint(n))})
	}
	c := mustSeek(t, r, "")
	d := c
	if fmt.Sprint(data(t, c), data(t, d)) != "[0 1 2] [0 1 2]" {
		t.Error("the copies disturb each other")
	}
}

func TestReturnedEventsOutliveEviction(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 2})
	e := mustAppend(t, r, Event{ID: "first", Stream: "s", Type: "t", Data: []byte("payload")})
	for range 5000 {
		mustAppend(t, r, Event{Data: make([]byte, 100)})
	}
	runtime.GC()
	if e.ID != "first" || e.Stream != "s" || e.Type != "t" || string(e.Data) != "payload" {
		t.Errorf("event is %+v", e)
	}
}

func TestClosedRingStaysReadable(t *testing.T) {
	r := newRing(t, Config{})
	e := mustAppend(t, r, Event{Data: []byte("x")})
	mustAppend(t, r, Event{Data: []byte("y")})
	c := mustSeek(t, r, "")
	r.Close()
	r.Close()
	if got := fmt.Sprint(data(t, c), data(t, mustSeek(t, r, e.ID))); got != "[x y] [y]" {
		t.Errorf("read %s", got)
	}
	_, err := r.Append(Event{})
	wantErr(t, err, ErrClosed)
}

func TestReadingAndSeekingDoNotAllocate(t *testing.T) {
	r := newRing(t, Config{})
	for n := range 1000 {
		mustAppend(t, r, Event{ID: fmt.Sprint("own", n), Stream: "stream", Data: make([]byte, 100)})
	}
	var e Event
	if n := testing.AllocsPerRun(100, func() {
		c, err := r.Seek("own500")
		if err != nil {
			t.Fatal(err)
		}
		for c.Next(&e) {
		}
		if e.Seq != 1000 {
			t.Fatal(e.Seq)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAppendAllocatesOnlyPages(t *testing.T) {
	r := newRing(t, Config{})
	buf := make([]byte, 256)
	for range 3000 {
		mustAppend(t, r, Event{Data: buf})
	}
	if n := testing.AllocsPerRun(3000, func() { mustAppend(t, r, Event{Data: buf}) }); n != 0 {
		t.Errorf("%v allocations an append", n)
	}
}

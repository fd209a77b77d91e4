package ring

import (
	"bytes"
	"fmt"
	"testing"
)

// wantAll wants the last events, up to the limit, to be there, each with its number as payload.
func wantAll(t *testing.T, r *Ring, last, limit int) {
	t.Helper()
	c, n := mustSeek(t, r, ""), max(0, last-limit)
	var e Event
	for c.Next(&e) {
		n++
		if e.Seq != uint64(n) || !bytes.HasPrefix(e.Data, fmt.Append(nil, n, ".")) {
			t.Fatalf("event %d is %d, %.20q", n, e.Seq, e.Data)
		}
	}
	if n != last {
		t.Fatalf("read up to event %d of %d: %v", n, last, c.Err())
	}
}

func TestPageGoesWithItsLastEventAndNotBefore(t *testing.T) {
	for _, size := range []int{0, 200, 3000, 20_000} { // several to a page, and one to a page
		r := newRing(t, Config{MaxEvents: 8})
		for n := 1; n <= 300; n++ {
			mustAppend(t, r, Event{Data: append(fmt.Append(nil, n, "."), make([]byte, size)...)})
			wantAll(t, r, n, 8)
		}
		if d := r.dir.Load(); len(d.entries) > 16 {
			t.Errorf("events of %d bytes: %d pages hold eight of them", size, len(d.entries))
		}
	}
}

// The first ID of a producer's own comes to a ring that is full.
func TestFullRingOfAPowerOfTwoGrowsAnIndex(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 8})
	for n := 1; n <= 8; n++ {
		mustAppend(t, r, Event{Data: fmt.Append(nil, n, ".")})
		wantAll(t, r, n, 8)
	}
	mustAppend(t, r, Event{ID: "own", Data: []byte("9.")})
	wantAll(t, r, 9, 8)
}

// The oldest event is in the way of all that come: its entry is looked at again and again, and
// copied with every growth.
func TestOldestIDIsFoundWhileTheRingFills(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 500})
	for n := range 500 {
		mustAppend(t, r, Event{ID: fmt.Sprint("own-", n)})
		if seq := seekSeq(t, r, "own-0"); seq != 1 {
			t.Fatalf("event %d is found", seq)
		}
	}
}

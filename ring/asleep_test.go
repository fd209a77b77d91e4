//go:build reprise_steps

package ring

import (
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/internal/step"
)

// asleep starts an append that stops at p, and returns what lets it go on to its end.
func asleep(t *testing.T, r *Ring, p step.Point, e Event) (wake func()) {
	t.Helper()
	stopped, resume := stopAt(t, p)
	t.Cleanup(resume)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := r.Append(e); err != nil {
			t.Error(err)
		}
	}()
	await(t, stopped, "the stop")
	return func() {
		resume()
		await(t, done, "the append's end")
	}
}

// wantExactBytes compares Stats with the events that are there.
func wantExactBytes(t *testing.T, r *Ring) {
	t.Helper()
	var bytes int64
	var e Event
	for c := mustSeek(t, r, ""); c.Next(&e); {
		bytes += int64(e.Size() + Overhead)
	}
	if s := r.Stats(); s.Bytes != bytes {
		t.Fatalf("after event %d: %d bytes are retained, Stats says %d", s.Last, bytes, s.Bytes)
	}
}

func TestVisibleEventIsFoundThoughItsWriterSleeps(t *testing.T) {
	r := newRing(t, Config{})
	mustAppend(t, r, Event{ID: "first"})
	wake := asleep(t, r, step.Published, Event{ID: "x"})
	if seq := seekSeq(t, r, "x"); seq != 2 {
		t.Errorf("Seek finds event %d", seq)
	}
	wake()
}

// A slot's hint is written after the claim: late by a writer that sleeps, and then maybe over a newer one.
func TestBytesAreExactThoughWritersSleepBeforeTheirHints(t *testing.T) {
	for _, cfg := range []Config{{MaxEvents: 5}, {MaxEvents: 100, MaxBytes: 1000}} {
		for _, before := range []int{1, 2, 20} {
			r := newRing(t, cfg)
			fill := func(events int) {
				for n := range events {
					mustAppend(t, r, Event{Data: make([]byte, n*37%200)})
					wantExactBytes(t, r)
				}
			}
			fill(before)
			for _, later := range []int{1, 3, 8, 21} {
				wake := asleep(t, r, step.Claimed, Event{Data: make([]byte, 50)})
				fill(later)
				wake()
				fill(20)
			}
		}
	}
}

// The writer of the first own ID makes a table with an index, and sleeps with the copy in its hands. What others store meanwhile is not in the copy.
func TestEventsStoredWhileATableIsCopiedAreNotLost(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 6})
	for range 20 { // in its first lap a table tells everybody that it lacks an index
		mustAppend(t, r, Event{})
	}
	wake := asleep(t, r, step.Copied, Event{ID: "own"})
	for n := range 3 {
		mustAppend(t, r, Event{Data: fmt.Append(nil, n)})
	}
	wake()
	c := mustSeek(t, r, "")
	if got := fmt.Sprint(data(t, c)); got != "[  0 1 2 ]" {
		t.Errorf("the ring has %s", got)
	}
}

// A writer has looked whether its chunk is open, and sleeps; then the chunk is sealed. The event may still be claimed, and is the last one in there.
func TestRecordThatIsClaimedWhileItsChunkIsSealedIsKept(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 4})
	for n := range 4 {
		mustAppend(t, r, event("assigned", n))
	}
	wake := asleep(t, r, step.Written, event("assigned", 77))
	var d draft
	for before := r.dir.Load().serial; r.dir.Load().serial == before; { // a writer that never stores what it has reserved
		if r.reserve(&d, 10, r.Stats().Bytes); d.chunk == nil {
			t.Fatal("nothing was reserved")
		}
	}
	wake()
	for n := range 3 {
		mustAppend(t, r, event("assigned", n))
	}
	r.sweep()
	readAll(t, r)
	for n := range 3 {
		mustAppend(t, r, event("assigned", n))
		r.sweep()
		readAll(t, r)
	}
}

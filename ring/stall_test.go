//go:build reprise_steps

package ring

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/step"
)

var writerPoints = map[step.Point]string{
	step.TailRead: "TailRead", step.SlotRead: "SlotRead", step.Looked: "Looked", step.Reserved: "Reserved", step.Written: "Written",
	step.Claimed: "Claimed", step.Indexed: "Indexed", step.Published: "Published", step.Frozen: "Frozen", step.Copied: "Copied",
	step.Installing: "Installing", step.Installed: "Installed",
}

// stopAt makes the next goroutine that gets to p stop there. It returns a channel that is closed once one has, and what lets it go on.
func stopAt(t *testing.T, p step.Point) (stopped <-chan struct{}, resume func()) {
	t.Helper()
	var armed atomic.Bool
	armed.Store(true)
	there, gone := make(chan struct{}), make(chan struct{})
	step.Set(func(at step.Point) {
		if at == p && armed.CompareAndSwap(true, false) {
			close(there)
			<-gone
		}
	})
	t.Cleanup(func() { step.Set(nil) })
	return there, sync.OnceFunc(func() { close(gone) })
}

func await(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not happen", what)
	}
}

// A writer stops at each step of the protocol in turn, in an empty ring and in a full one. The others go on, lap after lap and across
// growths, readers read; when the writer goes on, its event is stored once and every sequence number was given out once.
func TestStalledWriterBlocksNobodyAndLosesNothing(t *testing.T) {
	for p, name := range writerPoints {
		for _, prefill := range []int{0, 6, 7, 500} {
			for _, kind := range []string{"assigned", "own", "large"} {
				t.Run(fmt.Sprintf("%s/prefill=%d/%s", name, prefill, kind), func(t *testing.T) { stall(t, p, prefill, kind) })
			}
		}
	}
}

func event(kind string, n int) Event {
	e := Event{Data: payload(nil, uint64(n), uint64(n), n%200)}
	switch kind {
	case "own":
		e.ID = fmt.Sprint("own-", n)
	case "large":
		e.Data = payload(nil, uint64(n), uint64(n), 9000)
	}
	return e
}

func stall(t *testing.T, p step.Point, prefill int, kind string) {
	r := newRing(t, Config{MaxEvents: 100, MaxBytes: 64 << 20})
	seen := make(chan uint64, 10_000)
	for n := range prefill {
		seen <- mustAppend(t, r, event(kind, n)).Seq
	}
	stopped, resume := stopAt(t, p)
	defer resume()
	done := make(chan struct{})
	go func() {
		defer close(done)
		e, err := r.Append(event(kind, 1_000_000))
		if err != nil {
			t.Error(err)
		}
		checkPayload(t, &e)
		seen <- e.Seq
	}()
	select {
	case <-stopped:
	case <-done: // nothing to grow or to install at this fill
		step.Set(nil)
	}
	var others sync.WaitGroup
	for w := range 4 {
		others.Go(func() {
			for n := range 300 {
				e, err := r.Append(event(kind, 2_000_000+w*1000+n))
				if err != nil {
					t.Error(err)
					return
				}
				seen <- e.Seq
				if n%10 == 0 {
					readAll(t, r)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { others.Wait(); close(finished) }()
	await(t, finished, "progress of the others")
	resume()
	await(t, done, "the end of the stalled append")
	close(seen)
	checkSequences(t, r, seen)
}

// readAll reads what is retained, each event whole and in order.
func readAll(t *testing.T, r *Ring) {
	c, err := r.Seek("")
	if err != nil {
		t.Error(err)
		return
	}
	var e Event
	for prev := c.Seq(); c.Next(&e); prev = e.Seq {
		if e.Seq != prev+1 {
			t.Errorf("%d follows %d", e.Seq, prev)
		}
		checkPayload(t, &e)
	}
}

// checkSequences wants every number up to the ring's last, each once.
func checkSequences(t *testing.T, r *Ring, seen <-chan uint64) {
	t.Helper()
	given := map[uint64]bool{}
	for seq := range seen {
		if given[seq] {
			t.Errorf("sequence %d was given out twice", seq)
		}
		given[seq] = true
	}
	if last := r.Stats().Last; uint64(len(given)) != last {
		t.Errorf("%d appends succeeded, the last sequence is %d", len(given), last)
	}
	readAll(t, r)
}

// A writer that has read the tail sleeps until the table has been replaced and its sequence is long evicted: in the new table the slot of that
// sequence looks free.
func TestWriterThatSleepsAcrossAGrowthDoesNotLoseItsEvent(t *testing.T) {
	for _, prefill := range []int{0, 1, 4} {
		for _, id := range []string{"", "sleeper"} {
			t.Run(fmt.Sprintf("prefill=%d/id=%s", prefill, id), func(t *testing.T) { sleepAcrossGrowth(t, prefill, id) })
		}
	}
}

func sleepAcrossGrowth(t *testing.T, prefill int, id string) {
	r := newRing(t, Config{MaxEvents: 1000, MaxBytes: 4000})
	for n := range prefill {
		mustAppend(t, r, Event{ID: fmt.Sprint("prefill", n)})
	}
	stopped, resume := stopAt(t, step.TailRead)
	defer resume()
	got := make(chan Event)
	go func() {
		stored, err := r.Append(Event{ID: id})
		if err != nil {
			t.Error(err)
		}
		got <- stored
	}()
	await(t, stopped, "the stop")
	for range 20 { // at most five of these fit: the smallest table goes round twice
		mustAppend(t, r, Event{ID: fmt.Sprint("large", r.Stats().Last), Data: make([]byte, 700)})
	}
	before := r.table.Load()
	for r.table.Load() == before {
		mustAppend(t, r, Event{})
	}
	last := r.Stats().Last
	free := r.table.Load().slot(uint64(prefill) + 1).word.Load()
	t.Logf("the slot of the sleeper's sequence holds %#x", free)
	resume()
	if e := <-got; e.Seq != last+1 || seekSeq(t, r, e.ID) != last+1 {
		t.Errorf("the event is %d, want %d", e.Seq, last+1)
	}
}

// A reader that holds a slot's word sleeps until the chunk is gone and its place taken by another.
func TestReaderThatSleepsAcrossEvictionGetsAnError(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 8})
	for n := range 8 {
		mustAppend(t, r, event("assigned", n))
	}
	c := mustSeek(t, r, "")
	stopped, resume := stopAt(t, step.ReaderSlot)
	defer resume()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var e Event
		if c.Next(&e) {
			t.Errorf("read event %d after it was evicted", e.Seq)
		}
		wantErr(t, c.Err(), ErrEvicted)
	}()
	await(t, stopped, "the stop")
	for n := range 2000 {
		mustAppend(t, r, event("assigned", n))
	}
	resume()
	await(t, done, "the reader's end")
}

// Close comes between a claim and its publication: the append fails, and the event is not there.
func TestCloseBeforePublicationIsExact(t *testing.T) {
	for _, p := range []step.Point{step.Claimed, step.Indexed} {
		r := newRing(t, Config{})
		mustAppend(t, r, Event{ID: "before"})
		stopped, resume := stopAt(t, p)
		defer resume()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := r.Append(Event{ID: "late"})
			wantErr(t, err, ErrClosed)
		}()
		await(t, stopped, "the stop")
		r.Close()
		resume()
		await(t, done, "the append's end")
		if s := r.Stats(); s.Last != 1 {
			t.Errorf("stats are %+v", s)
		}
		_, err := r.Seek("late")
		wantErr(t, err, ErrUnknownID)
	}
}

// A helper publishes the event before Close: the sleeping writer's append has succeeded.
func TestHelpedAppendSucceedsThoughTheRingIsClosedWhenItWakes(t *testing.T) {
	r := newRing(t, Config{})
	stopped, resume := stopAt(t, step.Claimed)
	defer resume()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if e := mustAppend(t, r, Event{ID: "slow"}); e.Seq != 1 {
			t.Errorf("sequence is %d", e.Seq)
		}
	}()
	await(t, stopped, "the stop")
	mustAppend(t, r, Event{ID: "quick"})
	r.Close()
	resume()
	await(t, done, "the append's end")
}

// Of two appends of one ID the second finds the first one claimed but not indexed, and the other way round.
func TestDuplicateOfAStalledClaimIsRefused(t *testing.T) {
	for _, p := range []step.Point{step.Looked, step.Reserved, step.Written, step.Claimed, step.Indexed, step.Published} {
		r := newRing(t, Config{})
		mustAppend(t, r, Event{ID: "first"})
		stopped, resume := stopAt(t, p)
		defer resume()
		slow := make(chan error)
		go func() {
			_, err := r.Append(Event{ID: "x"})
			slow <- err
		}()
		await(t, stopped, "the stop")
		_, quick := r.Append(Event{ID: "x"})
		resume()
		if err := <-slow; (err == nil) == (quick == nil) {
			t.Errorf("point %s: %v and %v", writerPoints[p], err, quick)
		}
		if s := r.Stats(); s.Events != 2 {
			t.Errorf("point %s: %+v", writerPoints[p], s)
		}
	}
}

// A writer reserves space in a chunk, sleeps until the chunk is gone, and goes on: its record must be copied to a living one. (An assigned ID would
// have got longer, which is a reason to copy by itself.)
func TestRecordInASealedChunkIsNotClaimed(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 4})
	mustAppend(t, r, event("assigned", 1))
	stopped, resume := stopAt(t, step.Written)
	defer resume()
	got := make(chan Event)
	go func() {
		e, err := r.Append(event("own", 77))
		if err != nil {
			t.Error(err)
		}
		got <- e
	}()
	await(t, stopped, "the stop")
	for n := range 500 {
		mustAppend(t, r, event("assigned", n))
	}
	resume()
	e := <-got
	var read Event
	c := mustSeek(t, r, "")
	for c.Next(&read) && read.Seq != e.Seq {
	}
	if w, _ := checkPayload(t, &read); read.Seq != e.Seq || w != 77 {
		t.Errorf("event %d of writer %d, want %d of writer 77", read.Seq, w, e.Seq)
	}
}

// Memory stays bounded though a writer never wakes up.
func TestStalledWriterPinsNothing(t *testing.T) {
	for _, p := range []step.Point{step.Reserved, step.Written, step.Claimed, step.Installing, step.Installed} {
		r := newRing(t, Config{MaxEvents: 50})
		for n := range 100 {
			mustAppend(t, r, event("assigned", n))
		}
		full := r.Memory()
		stopped, resume := stopAt(t, p)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 200 {
				r.Append(event("assigned", 3))
			}
		}()
		await(t, stopped, "the stop")
		for n := range 10_000 {
			mustAppend(t, r, event("assigned", n))
		}
		if m := r.Memory(); m > 2*full+32<<10 {
			t.Errorf("point %s: memory went from %d to %d", writerPoints[p], full, m)
		}
		resume()
		await(t, done, "the end")
	}
}

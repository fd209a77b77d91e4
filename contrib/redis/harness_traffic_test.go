package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// roomy is a Config under which nothing is evicted and an outage of some seconds is sat out.
func roomy(prefix string) redis.Config {
	return redis.Config{
		Prefix: prefix, Timeout: time.Minute, Lease: 3 * time.Second,
		Ring: ring.Config{MaxEvents: 1 << 20, MaxBytes: 1 << 30},
	}
}

func create(t testing.TB, s replay.Store, id string) {
	t.Helper()
	_, err := s.Create(t.Context(), id, shard.Metadata{})
	wantNoErr(t, "Create", err)
}

// A record is what writers know of what they have appended: texts of events, "writer:number" each.
type record struct {
	mu        sync.Mutex
	confirmed map[string]uint64 // sequences
	unknown   map[string]bool   // there was an error that leaves open whether the event was stored
}

func newRecord() *record { return &record{confirmed: map[string]uint64{}, unknown: map[string]bool{}} }

func (r *record) confirm(text string, seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.confirmed[text] = seq
}

func (r *record) doubt(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unknown[text] = true
}

func (r *record) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.confirmed)
}

// traffic is writers that append to session s, one after the other through each Store, until they
// are stopped.
type traffic struct {
	*record
	writing sync.WaitGroup
	halt    atomic.Bool
}

// write starts writers. Every other one gives its events IDs and repeats an append that failed; the
// others let the Store assign IDs and go on with the next event.
func write(t testing.TB, writers int, stores ...replay.Store) *traffic {
	t.Helper()
	w := &traffic{record: newRecord()}
	for i := range writers {
		w.writing.Go(func() {
			store := stores[i%len(stores)]
			for n := 0; !w.halt.Load(); n++ {
				w.one(t, store, i, n)
				time.Sleep(time.Millisecond) // a rate that leaves the machine to others
			}
		})
	}
	t.Cleanup(w.stop)
	return w
}

func (w *traffic) one(t testing.TB, store replay.Store, writer, n int) {
	text := fmt.Sprint(writer, ":", n)
	e := ring.Event{Data: []byte(text)}
	if writer%2 == 0 {
		e.ID = text
	}
	for range 10 {
		stored, err := store.Append(context.Background(), "s", e)
		switch {
		case err == nil:
			w.confirm(text, stored.Seq)
			return
		case errors.Is(err, ring.ErrDuplicateID):
			if string(stored.Data) != text {
				t.Errorf("duplicate of %q is %q", text, stored.Data)
			}
			w.confirm(text, stored.Seq)
			return
		case !errors.Is(err, redis.ErrUnavailable):
			t.Errorf("Append of %q: %v", text, err)
			return
		case e.ID == "":
			w.doubt(text)
			return
		}
	}
	w.doubt(text)
}

// until waits for this many more confirmed appends.
func (w *traffic) until(t testing.TB, more int) {
	t.Helper()
	goal := w.count() + more
	eventually(t, fmt.Sprint(goal, " events are confirmed"), func() bool { return w.count() >= goal })
}

func (w *traffic) stop() {
	w.halt.Store(true)
	w.writing.Wait()
}

// A follower collects what one reader sees of session s.
type follower struct {
	mu     sync.Mutex
	events []ring.Event
	err    error
	done   chan struct{}
	stop   context.CancelFunc
}

// follow reads from a position until the reader ends or stop is called. It never opens another
// reader, but asks one again whose Wait failed.
func follow(t testing.TB, store replay.Store, at replay.Position) *follower {
	t.Helper()
	r, err := store.Open(t.Context(), "s", at)
	wantNoErr(t, "Open", err)
	return followOn(t, r)
}

func followOn(t testing.TB, r replay.Reader) *follower {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{done: make(chan struct{}), stop: stop}
	go func() {
		defer close(f.done)
		defer r.Close()
		f.err = f.read(ctx, r)
	}()
	t.Cleanup(func() {
		stop()
		<-f.done
	})
	return f
}

func (f *follower) read(ctx context.Context, r replay.Reader) error {
	for {
		var e ring.Event
		for r.Next(&e) {
			f.mu.Lock()
			f.events = append(f.events, e)
			f.mu.Unlock()
		}
		if err := r.Err(); err != nil {
			return err
		}
		err := r.Wait(ctx)
		for errors.Is(err, redis.ErrUnavailable) && ctx.Err() == nil { // Next would end the reader with it
			err = r.Wait(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (f *follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events)
}

// until waits until the follower has seen n events.
func (f *follower) until(t testing.TB, n int) []ring.Event {
	t.Helper()
	eventually(t, fmt.Sprint("the follower has ", n, " events"), func() bool {
		select {
		case <-f.done:
			if f.count() < n {
				t.Fatalf("the follower ended after %d events: %v", f.count(), f.err)
			}
		default:
		}
		return f.count() >= n
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events
}

// wantExactly wants the events to be everything that was stored: each confirmed one once, with the
// sequence that its writer was told, none twice, no sequence left out, and every writer's in order.
func (r *record) wantExactly(t testing.TB, events []ring.Event) {
	t.Helper()
	r.wantOnce(t, events)
	stored := map[string]uint64{}
	for _, e := range events {
		stored[string(e.Data)] = e.Seq
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for text, seq := range r.confirmed {
		if stored[text] != seq {
			t.Errorf("%q was confirmed as event %d, and is %d", text, seq, stored[text])
		}
	}
	t.Logf("%d events, %d confirmed, %d in doubt", len(events), len(r.confirmed), len(r.unknown))
}

// wantOnce wants the events to be some of what was written: none twice, no sequence left out, and
// every writer's in order.
func (r *record) wantOnce(t testing.TB, events []ring.Event) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, last := map[string]bool{}, map[string]int{}
	for i, e := range events {
		text := string(e.Data)
		_, confirmed := r.confirmed[text]
		var n int
		writer, number, _ := strings.Cut(text, ":")
		fmt.Sscan(number, &n)
		before, any := last[writer]
		switch {
		case e.Seq != uint64(i+1):
			t.Fatalf("event %d at place %d", e.Seq, i+1)
		case seen[text]:
			t.Errorf("%q comes twice", text)
		case !confirmed && !r.unknown[text]:
			t.Errorf("%q was refused and is there", text)
		case any && n <= before:
			t.Errorf("%q comes after number %d of that writer", text, before)
		}
		seen[text], last[writer] = true, n
	}
}

// check stops the writers and wants everybody to have seen exactly what is stored.
func (w *traffic) check(t testing.TB, store replay.Store, followers ...*follower) {
	t.Helper()
	w.stop()
	r, err := store.Open(t.Context(), "s", replay.Position{})
	wantNoErr(t, "Open", err)
	defer r.Close()
	events, err := replay.Drain(r)
	wantNoErr(t, "Drain", err)
	w.wantExactly(t, events)
	for i, f := range followers {
		seen := f.until(t, len(events))
		for n := range events {
			if seen[n].Seq != events[n].Seq || seen[n].ID != events[n].ID ||
				string(seen[n].Data) != string(events[n].Data) {
				t.Fatalf(
					"follower %d has %d %q at place %d, want %d %q", i, seen[n].Seq, seen[n].Data, n, events[n].Seq,
					events[n].Data,
				)
			}
		}
	}
}

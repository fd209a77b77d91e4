//go:build reprise_steps

package ring

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/reprise-go/reprise/internal/step"
	"github.com/reprise-go/reprise/internal/tally"
	"github.com/reprise-go/reprise/internal/testkit"
)

func budgeted(t *testing.T, bytes int64) *Ring {
	t.Helper()
	g, err := newGroup(Config{}, shared{Budget: tally.NewBudget(bytes, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return g.New()
}

// Another event takes what is left of the budget between a writer's look at the tail and its plan.
// By then it is the ring's own oldest event, which the writer must evict as it would have had to at
// any other moment.
func TestOverBudgetIsNotDecidedOnAnOldTail(t *testing.T) {
	r := budgeted(t, 1000)
	stopped, resume := stopAt(t, step.DirectoryRead)
	defer resume()
	done := make(chan error)
	go func() {
		_, err := r.Append(Event{ID: "slow", Data: make([]byte, 500)})
		done <- err
	}()
	testkit.Await(t, "the stop", stopped)
	mustAppend(t, r, Event{ID: "quick", Data: make([]byte, 500)})
	resume()
	if err := <-done; err != nil {
		t.Errorf("an event that fits once the ring's own oldest has gone: %v", err)
	}
}

// A writer has drawn from the budget, is not going to be stored before it wakes up, and keeps
// others of the same ring from storing an event that fits before it, after it and without it.
func TestSleepingWriterDoesNotUseUpTheBudget(t *testing.T) {
	r := budgeted(t, 1000)
	stopped, resume := stopAt(t, step.Planned)
	defer resume()
	done := make(chan error)
	go func() {
		_, err := r.Append(Event{ID: "slow", Data: make([]byte, 500)})
		done <- err
	}()
	testkit.Await(t, "the stop", stopped)
	if _, err := r.Append(Event{ID: "quick", Data: make([]byte, 500)}); err != nil {
		t.Errorf("while a writer sleeps: %v", err)
	}
	resume()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A goroutine that is about to wake the waiters sleeps. Later appends must wake them, and so must
// Close.
func TestSleepingWakerKeepsNoWaiterAsleep(t *testing.T) {
	for name, act := range map[string]func(*Ring){"append": func(r *Ring) { r.Append(Event{}) },
		"close": (*Ring).Close} {
		t.Run(name, func(t *testing.T) {
			r := newRing(t, Config{})
			woken := make(chan struct{})
			go func() {
				defer close(woken)
				if err := r.Wait(t.Context(), 0); err != nil {
					t.Error(err)
				}
			}()
			for r.wake.Load() == nil {
				runtime.Gosched()
			}
			stopped, resume := stopAt(t, step.Waking)
			defer resume()
			done := make(chan struct{})
			go func() { defer close(done); mustAppend(t, r, Event{}) }()
			testkit.Await(t, "the stop", stopped)
			act(r)
			testkit.Await(t, "the waiter's end", woken)
			resume()
			testkit.Await(t, "the waker's end", done)
		})
	}
}

// A cursor of one stream steps over others' events. A Next that chases a writer which is as fast as
// it would never come back to look at its context.
func TestNextIsWaitFreeThoughOtherStreamsGrowAsFastAsItReads(t *testing.T) {
	const limit = 100
	r := newRing(t, Config{MaxEvents: limit})
	mustAppend(t, r, Event{Stream: "other"})
	c := mustSeek(t, r, "").Only("mine")
	var steps int
	appending := false
	step.Set(func(at step.Point) {
		if at >= step.ReaderWord && !appending && steps < 50*limit {
			steps++
			appending = true
			mustAppend(t, r, Event{Stream: "other"})
			appending = false
		}
	})
	defer step.Set(nil)
	var e Event
	if c.Next(&e) {
		t.Fatal(fmt.Sprint("an event of stream ", e.Stream))
	}
	if steps > limit {
		t.Errorf("one Next took %d steps in a ring of %d events", steps, limit)
	}
}

package wheel_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/wheel"
)

type entry struct {
	wheel.Timer[*entry]
	at    int64 // what the timer was set to
	fired int64 // the reading of the Advance that fired it; -1 before
}

func newEntry() *entry {
	e := &entry{fired: -1}
	e.Owner = e
	return e
}

// advance advances w in full and fails for a timer that fires before its time.
func advance(t *testing.T, w *wheel.Wheel[*entry], now int64, limit int) (fired []*entry) {
	t.Helper()
	for all := false; !all; {
		all = w.Advance(now, limit, func(e *entry) {
			if e.at > now {
				t.Fatalf("timer set to %d fired at %d", e.at, now)
			}
			e.fired = now
			fired = append(fired, e)
		})
	}
	return fired
}

func TestTimerNeverFiresEarlyAndAtMostATickLate(t *testing.T) {
	const resolution = 100 * time.Millisecond
	w := wheel.New[*entry](resolution, 0)
	tick := int64(w.Resolution())
	if tick > int64(resolution) || tick*2 <= int64(resolution) || tick&(tick-1) != 0 {
		t.Fatalf("tick is %d, want the largest power of two up to %d", tick, resolution)
	}
	for _, at := range []int64{0, 1, tick - 1, tick, tick + 1, 63 * tick, 64 * tick, 64*tick + 1, 65 * tick,
		4095*tick + 7, 4096 * tick, 1e15, 1 << 60} {
		w := wheel.New[*entry](resolution, 0)
		e := newEntry()
		e.at = at
		w.Set(&e.Timer, at)
		if at > 0 && len(advance(t, w, at-1, 10)) != 0 {
			t.Errorf("set to %d: fired at %d", at, at-1)
		}
		if len(advance(t, w, at+tick, 10)) != 1 {
			t.Errorf("set to %d: not fired a tick later", at)
		}
		if w.Len() != 0 {
			t.Errorf("Len is %d when all have fired", w.Len())
		}
	}
}

func TestTimerOfThePastFiresAtOnce(t *testing.T) {
	w := wheel.New[*entry](time.Second, 1e12)
	for _, at := range []int64{math.MinInt64, -1, 0, 1e11, 1e12 - 1e10} {
		e := newEntry()
		w.Set(&e.Timer, at)
		if len(advance(t, w, 1e12, 10)) != 1 {
			t.Errorf("set to %d: not fired", at)
		}
	}
}

func TestClockThatGoesBackFiresNothingAgainAndNothingEarly(t *testing.T) {
	w := wheel.New[*entry](time.Second, 0)
	a, b := newEntry(), newEntry()
	a.at, b.at = 10e9, 20e9
	w.Set(&a.Timer, a.at)
	w.Set(&b.Timer, b.at)
	if len(advance(t, w, 12e9, 10)) != 1 {
		t.Fatal("the first did not fire")
	}
	for _, now := range []int64{5e9, 0, math.MinInt64, 19e9} {
		if got := advance(t, w, now, 10); len(got) != 0 {
			t.Fatalf("fired at %d", now)
		}
	}
	if len(advance(t, w, 22e9, 10)) != 1 {
		t.Fatal("the second did not fire")
	}
}

func TestClockThatLeapsFiresEverything(t *testing.T) {
	w := wheel.New[*entry](time.Millisecond, 0)
	for i := range 1000 {
		e := newEntry()
		w.Set(&e.Timer, int64(i)*int64(i)*1e9)
	}
	if n := len(advance(t, w, math.MaxInt64, 7)); n != 1000 {
		t.Fatalf("%d of 1000 fired", n)
	}
	e := newEntry()
	w.Set(&e.Timer, math.MaxInt64)
	if len(advance(t, w, math.MaxInt64, 7)) != 1 {
		t.Fatal("a timer beyond the end of time did not fire there")
	}
}

func TestMovedTimerFiresAtItsNewTimeAlone(t *testing.T) {
	w := wheel.New[*entry](time.Millisecond, 0)
	e := newEntry()
	for _, at := range []int64{1e9, 1e12, 2e9, 1e15, 3e9} {
		e.at = at
		w.Set(&e.Timer, at)
	}
	if w.Len() != 1 {
		t.Fatalf("Len is %d", w.Len())
	}
	if n := len(advance(t, w, 2999e6, 10)); n != 0 {
		t.Fatalf("fired at an old time")
	}
	if n := len(advance(t, w, 1e16, 10)); n != 1 {
		t.Fatalf("fired %d times", n)
	}
}

func TestRemovedTimerDoesNotFireAndLeavesTheWheelIdle(t *testing.T) {
	w := wheel.New[*entry](time.Millisecond, 0)
	e := newEntry()
	w.Remove(&e.Timer) // not armed: nothing happens
	for _, at := range []int64{1, 1e6, 1e9, 1e12, 1e15} {
		w.Set(&e.Timer, at)
		w.Remove(&e.Timer)
		if _, ok := w.Next(); ok || e.Armed() || w.Len() != 0 {
			t.Fatalf("removed timer of %d still counts", at)
		}
	}
	if len(advance(t, w, 1e16, 10)) != 0 {
		t.Fatal("removed timer fired")
	}
}

func TestFireMayArmAndRemoveOtherTimersOfTheSameTick(t *testing.T) {
	w := wheel.New[*entry](time.Millisecond, 0)
	a, b, c := newEntry(), newEntry(), newEntry()
	w.Set(&a.Timer, 5e6)
	w.Set(&b.Timer, 5e6)
	var fired []*entry
	for all := false; !all; {
		all = w.Advance(1e7, 1, func(e *entry) {
			fired = append(fired, e)
			if e == a {
				w.Remove(&b.Timer)
				w.Set(&c.Timer, 0)
			}
		})
	}
	if !slices.Equal(fired, []*entry{a, c}) {
		t.Fatalf("fired %d timers, want the first and the one that it armed", len(fired))
	}
}

func TestAdvanceIsBoundedByItsLimit(t *testing.T) {
	w := wheel.New[*entry](time.Millisecond, 0)
	for range 100 {
		w.Set(&newEntry().Timer, 1e12)
	}
	fired, steps := 0, 0
	for all := false; !all; steps++ {
		before := fired
		all = w.Advance(2e12, 10, func(*entry) { fired++ })
		if fired-before > 10 {
			t.Fatalf("one call fired %d", fired-before)
		}
	}
	if fired != 100 || steps < 11 {
		t.Fatalf("fired %d in %d steps", fired, steps)
	}
}

func TestNextIsNowWhileTimersAreDue(t *testing.T) {
	w := wheel.New[*entry](time.Millisecond, 0)
	for range 3 {
		w.Set(&newEntry().Timer, 1e12)
	}
	if w.Advance(2e12, 1, func(*entry) {}) {
		t.Fatal("three timers fired in one step")
	}
	if next, ok := w.Next(); !ok || next > 2e12 {
		t.Fatalf("Next is %d, %v with two timers due at %d", next, ok, int64(1e12))
	}
}

func TestNextIsNeverLateAndReachesATimerInFewSteps(t *testing.T) {
	for _, at := range []int64{1, 1e6, 1e9, 3600e9, 86400e9, 1e17} {
		w := wheel.New[*entry](25*time.Millisecond, 0)
		e := newEntry()
		e.at = at
		w.Set(&e.Timer, at)
		for wakes := 1; ; wakes++ {
			next, ok := w.Next()
			if !ok || next > at+int64(w.Resolution()) {
				t.Fatalf("set to %d: Next is %d, %v", at, next, ok)
			}
			if advance(t, w, next, 10); e.fired >= 0 {
				break
			}
			if wakes > 11 {
				t.Fatalf("set to %d: not fired after %d wake-ups", at, wakes)
			}
		}
	}
}

// A million timers, armed, moved and removed at random, against what a sorted list says.
func TestMillionTimersAgreeWithASortedList(t *testing.T) {
	const n = 1_000_000 / slow
	const horizon = int64(2 * time.Hour)
	rng := rand.New(rand.NewPCG(1, 2))
	w := wheel.New[*entry](25*time.Millisecond, 0)
	tick := int64(w.Resolution())
	all := make([]entry, n)
	for i := range all {
		e := &all[i]
		e.Owner, e.fired = e, -1
		e.at = rng.Int64N(horizon)
		w.Set(&e.Timer, e.at)
	}
	var now int64
	for now < horizon {
		now += rng.Int64N(horizon / 500)
		next, ok := w.Next()
		if got := advance(t, w, now, 1000); ok && next > now && len(got) > 0 {
			t.Fatalf("Next said %d, but timers fired at %d", next, now)
		}
		for range n / 2000 {
			e := &all[rng.IntN(n)]
			switch {
			case e.fired >= 0:
			case rng.IntN(2) == 0:
				e.at = now + rng.Int64N(horizon/4)
				w.Set(&e.Timer, e.at)
			default:
				w.Remove(&e.Timer)
				e.at, e.fired = math.MaxInt64, math.MaxInt64 // not to fire any more
			}
		}
	}
	now += horizon
	advance(t, w, now, 1000)
	model := slices.SortedFunc(pointers(all), func(a, b *entry) int { return int(min(1, max(-1, a.at-b.at))) })
	last := int64(0)
	for _, e := range model {
		if e.fired == math.MaxInt64 {
			continue
		}
		if e.fired < e.at || e.fired < last-tick {
			t.Fatalf("timer set to %d fired at %d, after one that fired at %d", e.at, e.fired, last)
		}
		last = max(last, e.fired)
	}
	if w.Len() != 0 {
		t.Fatalf("%d timers left", w.Len())
	}
}

func pointers(all []entry) func(func(*entry) bool) {
	return func(yield func(*entry) bool) {
		for i := range all {
			if !yield(&all[i]) {
				return
			}
		}
	}
}

func TestArmedTimerIsMovedWithoutAllocation(t *testing.T) {
	w := wheel.New[*entry](time.Millisecond, 0)
	e := newEntry()
	at := int64(0)
	for range 100 {
		at += 1e9
		w.Set(&e.Timer, at)
	}
	if n := testing.AllocsPerRun(1000, func() { w.Set(&e.Timer, 5e9); w.Remove(&e.Timer) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSetAndFire(b *testing.B) {
	w := wheel.New[*entry](time.Millisecond, 0)
	all := make([]entry, 1<<16)
	for i := range all {
		all[i].Owner = &all[i]
		w.Set(&all[i].Timer, int64(i)*1e6)
	}
	b.ReportAllocs()
	now, fired := int64(0), 0
	for fired < b.N {
		now += 1e6
		w.Advance(now, 1<<30, func(e *entry) { fired++; w.Set(&e.Timer, now+1<<16*1e6) })
	}
}

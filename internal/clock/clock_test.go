package clock

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhereTimeStandsStillNowIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		begin, first := time.Now(), c.Now()
		if first < 1 {
			t.Fatalf("the first reading is %d", first)
		}
		for _, d := range []time.Duration{0, 1, time.Microsecond, time.Hour, 1000 * time.Hour} {
			time.Sleep(d)
			if c.Now() != c.Exact() || c.Now()-first != int64(time.Since(begin)) {
				t.Fatalf(
					"after %v, Now is %d, Exact %d, both minus first should be %d",
					d,
					c.Now(),
					c.Exact(),
					time.Since(begin),
				)
			}
			if got := time.Unix(0, c.Wall(c.Now())); !got.Equal(time.Now()) {
				t.Fatalf("Wall says %v, it is %v", got, time.Now())
			}
		}
		if d := c.Since(first); d != time.Since(begin) {
			t.Errorf("Since says %v, want %v", d, time.Since(begin))
		}
	})
}

func TestEveryManagerInOneBubbleMayHaveItsOwnClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New()
		time.Sleep(time.Second)
		b := New()
		if a == b || a == system || b == system || b.Now() >= a.Now() {
			t.Errorf("readings %d and %d a second apart", a.Now(), b.Now())
		}
	})
}

func TestInRealTimeAllShareOneClock(t *testing.T) {
	if a, b := New(), New(); a != system || b != system {
		t.Error("they do not")
	}
}

func TestNowIsNeverAheadAndNeverBack(t *testing.T) {
	c := start(time.Now())
	stop := time.Now().Add(50 * time.Millisecond)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			last := int64(0)
			for time.Now().Before(stop) {
				n := c.Now()
				if exact := c.Exact(); n > exact {
					t.Errorf("Now is %d, Exact later %d", n, exact)
					return
				}
				if n < last {
					t.Errorf("Now is %d after %d", n, last)
					return
				}
				last = n
			}
		})
	}
	wg.Wait()
}

func TestExactMakesNowAtLeastAsLate(t *testing.T) {
	c := start(time.Now())
	c.Now() // runs
	for range 1000 {
		exact := c.Exact()
		if n := c.Now(); n < exact {
			t.Fatalf("Now is %d after Exact was %d", n, exact)
		}
	}
}

func TestTimerStopsWhenNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that no tick comes by itself
		c := start(time.Now())
		c.Now()
		for range 2 { // the first tick finds that the clock was read, the second that it was not
			if c.now.Load() == 0 {
				t.Fatal("stopped too soon")
			}
			c.tick()
		}
		if c.now.Load() != 0 {
			t.Error("still running")
		}
		if n, exact := c.Now(), c.Exact(); exact-n > int64(time.Minute) || n == 0 {
			t.Errorf("woken, it reads %d, Exact %d", n, exact)
		}
	})
}

func TestWallFollowsStepsOfTheWallClock(t *testing.T) {
	c := start(time.Now())
	reading := c.Exact()
	c.offset.Add(int64(time.Hour)) // what it would have seen before a step of an hour back
	c.Exact()
	if off := time.Duration(time.Now().UnixNano() - c.Wall(reading)); off < 0 || off > time.Minute {
		t.Errorf("Wall is off by %v", off)
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	c := start(time.Now())
	c.Now()
	if n := testing.AllocsPerRun(1000, func() { c.Exact(); c.Wall(c.Exact()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNow(b *testing.B) {
	c := New()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Now()
		}
	})
}

func BenchmarkExact(b *testing.B) {
	c := New()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Exact()
		}
	})
}

// Two looks at the two clocks underneath are never exactly as far apart: converting one reading
// twice gives the same time all the same.
func TestWallOfAReadingStandsStill(t *testing.T) {
	c := start(time.Now())
	reading := c.Exact()
	want := c.Wall(reading)
	for range 10_000 {
		c.Exact()
		if got := c.Wall(reading); got != want {
			t.Fatalf("the reading is at %d, and later at %d", want, got)
		}
	}
}

func TestWallFollowsAStepOfTheWallClock(t *testing.T) {
	c := start(time.Now())
	c.offset.Add(-int64(time.Hour)) // as if the wall clock had been set an hour ahead since
	if late := time.Since(time.Unix(0, c.Wall(c.Exact()))).Abs(); late > time.Second {
		t.Errorf("Wall is %v off", late)
	}
}

// Package clock is a monotonic clock that is read in a few nanoseconds.
//
// The operating system's clock costs 40 to 90 ns a reading, as much as storing an event. This one
// keeps the last reading in a word that a timer renews every Resolution for as long as somebody
// reads it; when nobody has for a whole Resolution, the timer stops, so an idle process does
// nothing. Now is therefore late by up to Resolution, or by as long as the scheduler keeps the
// timer waiting; Exact never is, and renews the word for everyone.
//
// A clock that stands still while it is being read (testing/synctest) is never cached: there Now
// equals Exact.
package clock

import (
	"sync/atomic"
	"time"
)

// Resolution is the age that a reading of Now may have on a machine that is not overloaded.
const Resolution = time.Millisecond

// A Clock counts nanoseconds since its base, on the monotonic clock; the first reading is at least
// 1. All methods are safe for concurrent use.
type Clock struct {
	now  atomic.Int64 // the last reading, 0 while idle; written by whoever renews it, only ever forward
	used atomic.Bool  // set by readers, cleared by tick: has anybody read now since the last tick?
	// Unix nanoseconds minus reading; written when the wall clock has moved by more than Resolution
	// against it
	offset atomic.Int64
	still  bool // the clock underneath stands still: never cache
	base   time.Time
	source Source // nil: the operating system
}

// A Source tells the time on a monotonic clock, in nanoseconds of at least 1, and on the wall
// clock, in Unix nanoseconds.
type Source func() (monotonic, wall int64)

// From returns a clock that goes by s, whose steps and leaps it follows at once. It is for tests of
// what the operating system's clocks may do.
func From(s Source) *Clock {
	c := &Clock{source: s, still: true}
	monotonic, wall := s()
	c.offset.Store(wall - monotonic)
	return c
}

// system is what real time is read from: one timer for the whole process, however many managers and
// rings there are.
var system = start(time.Now())

// New returns the process's clock or, where time stands still, a clock of the caller's own.
func New() *Clock {
	first := time.Now()
	for range 64 {
		if time.Since(first) != 0 {
			return system
		}
	}
	c := start(first)
	c.still = true
	return c
}

func start(now time.Time) *Clock {
	c := &Clock{base: now.Add(-1)}
	c.offset.Store(c.base.UnixNano())
	return c
}

// Now returns the time, at most Resolution old on a machine that is not overloaded. It costs about
// 1 ns.
func (c *Clock) Now() int64 {
	if n := c.now.Load(); n != 0 && c.used.Load() {
		return n
	}
	return c.use()
}

// use notes that the clock is being read, and reads it.
func (c *Clock) use() int64 {
	n := c.now.Load()
	if n == 0 {
		return c.wake()
	}
	c.used.Store(true)
	return n
}

// Exact returns the time as the operating system tells it, and makes Now at least as late. It costs
// about 100 ns.
func (c *Clock) Exact() int64 {
	n := c.read()
	if !c.still {
		c.advance(n)
	}
	return n
}

// Wall converts a reading to wall clock time, in Unix nanoseconds.
func (c *Clock) Wall(reading int64) int64 { return reading + c.offset.Load() }

// Since returns how long ago a reading was, exactly.
func (c *Clock) Since(reading int64) time.Duration { return time.Duration(c.Exact() - reading) }

func (c *Clock) read() int64 {
	n, offset := c.both()
	if abs(offset-c.offset.Load()) > int64(Resolution) {
		// The wall clock has moved, or this goroutine was held up between the looks at the two
		// clocks. The former shows again.
		if _, again := c.both(); abs(again-offset) <= int64(Resolution) {
			c.offset.Store(again)
		}
	}
	return n
}

// both reads the monotonic clock, and how far the wall clock is from it.
func (c *Clock) both() (reading, offset int64) {
	if c.source != nil {
		monotonic, wall := c.source()
		return monotonic, wall - monotonic
	}
	t := time.Now()
	reading = int64(t.Sub(c.base))
	return reading, t.UnixNano() - reading
}

func abs(n int64) int64 { return max(n, -n) }

// advance moves a running clock forward to n; an idle one stays idle.
func (c *Clock) advance(n int64) {
	for {
		old := c.now.Load()
		if old == 0 || old >= n || c.now.CompareAndSwap(old, n) {
			return
		}
	}
}

// wake reads an idle clock. Whoever takes the word from 0 owns the timer until tick gives the word
// back: there is never more than one timer.
func (c *Clock) wake() int64 {
	n := c.read()
	if !c.still && c.now.CompareAndSwap(0, n) {
		c.used.Store(true)
		time.AfterFunc(Resolution, c.tick)
	}
	return n
}

func (c *Clock) tick() {
	if !c.used.Swap(false) {
		c.now.Store(0)
		return
	}
	c.advance(c.read())
	time.AfterFunc(Resolution, c.tick)
}

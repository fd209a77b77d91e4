package wheel_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/wheel"
)

// A plainTimer is a timer in a list.
type plainTimer struct {
	*entry
	due   int64 // the tick in which it fires: that of its time, or the one in which it was set if that is later
	armed bool
}

// A wheelRun does the same to a wheel and to a list of timers, and compares.
type wheelRun struct {
	*testing.T
	wheel  *wheel.Wheel[*entry]
	timers []plainTimer
	now    int64 // the latest reading ever
	tick   int64 // the one that the wheel has come to
	input  []byte
}

func FuzzWheel(f *testing.F) {
	for seed := range 12 {
		var input []byte
		for n := range 150 {
			input = append(input, byte(n*(seed+1)), byte(n*n), byte(n*n*n>>(seed%5)), byte(seed*n))
		}
		f.Add(uint8(seed), int64(seed)*1e9, input)
	}
	f.Add(uint8(3), int64(math.MaxInt64), []byte("0000111122223333"))
	f.Add(uint8(0), int64(math.MinInt64), []byte("0123012301230123"))
	f.Fuzz(func(t *testing.T, resolution uint8, start int64, input []byte) {
		resolutions := []time.Duration{time.Millisecond, 1, 25 * time.Millisecond, time.Second, time.Hour, 0, -1, 63,
			64, math.MaxInt64}
		r := &wheelRun{T: t, input: input, now: start}
		r.wheel = wheel.New[*entry](resolutions[int(resolution)%len(resolutions)], start)
		r.tick = r.current()
		for range 12 {
			r.timers = append(r.timers, plainTimer{entry: newEntry()})
		}
		for len(r.input) > 0 {
			r.step()
			r.checkNext()
		}
		r.advance(math.MaxInt64, 3)
		if r.wheel.Len() != 0 || r.armed() != 0 {
			t.Fatalf("at the end of time %d timers are armed, %d of the list", r.wheel.Len(), r.armed())
		}
	})
}

func (r *wheelRun) byte() byte {
	if len(r.input) == 0 {
		return 0
	}
	b := r.input[0]
	r.input = r.input[1:]
	return b
}

// reading chooses a time: near the present, some power of two or up to eight raw bytes away from
// it, or anything.
func (r *wheelRun) reading() int64 {
	b := r.byte()
	switch b % 4 {
	case 0:
		return add(r.now, int64(b)<<(r.byte()%50))
	case 1:
		return add(r.now, 1<<(r.byte()%63)-int64(b/64))
	case 2:
		return add(r.now, -(1 << (r.byte() % 63)))
	}
	raw := make([]byte, 8)
	r.input = r.input[copy(raw, r.input):]
	return int64(binary.LittleEndian.Uint64(raw))
}

// add is a sum that stops at the end of time.
func add(a, b int64) int64 {
	switch sum := a + b; {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	default:
		return sum
	}
}

func (r *wheelRun) step() {
	r.Helper()
	b := r.byte()
	i := int(b/4) % len(r.timers)
	switch b % 4 {
	case 0, 1:
		r.set(i, r.reading())
	case 2:
		r.remove(i)
	default:
		r.advance(r.reading(), 1+int(r.byte()%4))
	}
}

func (r *wheelRun) set(i int, at int64) {
	t := &r.timers[i]
	r.wheel.Set(&t.Timer, at)
	t.at, t.due, t.armed = at, max(r.tick, r.tickOf(at)), true
}

func (r *wheelRun) remove(i int) {
	r.wheel.Remove(&r.timers[i].Timer)
	r.timers[i].armed = false
}

// advance moves time, to the end of what is due.
func (r *wheelRun) advance(to int64, limit int) {
	r.Helper()
	r.now = max(r.now, to)
	var fired []int64
	for all := false; !all; {
		calls := 0
		all = r.wheel.Advance(to, limit, func(e *entry) {
			calls++
			fired = append(fired, r.fire(e))
		})
		if calls > limit {
			r.Fatalf("one Advance fired %d timers, its limit is %d", calls, limit)
		}
	}
	if !slices.IsSorted(fired) {
		r.Fatalf("timers fired in the order of the ticks %v", fired)
	}
	r.tick = r.current()
	for i, t := range r.timers {
		if t.armed != t.Armed() || t.armed && t.due <= r.tick {
			r.Fatalf("at %d timer %d, set to %d, is armed: %v; by the list: %v", r.now, i, t.at, t.Armed(), t.armed)
		}
	}
	if r.wheel.Len() != r.armed() {
		r.Fatalf("Len is %d, want %d", r.wheel.Len(), r.armed())
	}
}

// fire is what Advance calls. Now and then it arms or removes another timer, at a time that is due
// or not. It returns the tick in which this one was due.
func (r *wheelRun) fire(e *entry) int64 {
	r.Helper()
	i := slices.IndexFunc(r.timers, func(t plainTimer) bool { return t.entry == e })
	t := &r.timers[i]
	if !t.armed || t.due > r.current() || t.Armed() {
		r.Fatalf("at %d timer %d, set to %d, fired; by the list it is armed: %v", r.now, i, t.at, t.armed)
	}
	due := t.due
	t.armed = false
	r.tick = due
	if len(r.input) > 0 {
		switch other := int(r.byte()) % (4 * len(r.timers)); {
		case other < len(r.timers):
			r.set(other, r.reading())
		case other < 2*len(r.timers):
			r.remove(other - len(r.timers))
		}
	}
	return due
}

// end is where the wheel's time ends: 2^62 ns, 146 years.
const end = int64(1) << 62

// tickOf is the first tick that does not begin before the given reading.
func (r *wheelRun) tickOf(at int64) int64 {
	at = max(0, min(at, end))
	length := int64(r.wheel.Resolution())
	n := at / length
	if at%length > 0 {
		n++
	}
	return n
}

// current is the tick that has begun last.
func (r *wheelRun) current() int64 { return max(0, min(r.now, end)) / int64(r.wheel.Resolution()) }

func (r *wheelRun) armed() (n int) {
	for _, t := range r.timers {
		if t.armed {
			n++
		}
	}
	return n
}

// checkNext wants Next to tell of a timer if there is one, and to be no later than the first is
// due.
func (r *wheelRun) checkNext() {
	r.Helper()
	first := int64(math.MaxInt64)
	for _, t := range r.timers {
		if t.armed {
			first = min(first, t.due)
		}
	}
	next, ok := r.wheel.Next()
	if ok != (r.armed() > 0) || ok && next/int64(r.wheel.Resolution()) > first {
		r.Fatalf("Next is %d, %v, with %d timers, the first of them in tick %d", next, ok, r.armed(), first)
	}
}

// Package wheel is a hierarchical timing wheel: any number of timers, each armed, moved and removed
// in constant time.
//
// Time is divided into ticks of a power of two of nanoseconds. Level 0 has a slot for each of the
// 64 ticks of the current block, level 1 a slot for each of the 64 blocks of the next size up, and
// so on: a timer lies at the level of the highest bit in which its due tick differs from the
// current one, so a timer that is due in a day moves three or four times before it fires. Slots and
// levels follow from shifts and masks, lists are intrusive, and a bit map per level finds the next
// occupied slot without looking at empty ones, however much time has passed.
//
// What always holds, with now the current tick:
//  1. A timer's tick is its due time rounded up, and the current tick is the time rounded down: no
//     timer fires early.
//  2. Timers at one level agree with now in all digits above the level and exceed it in the level's
//     own digit (at level 0 they may equal it). So the next slot is the lowest set bit of the
//     lowest occupied level, and a timer's slot can be computed again from its due tick at any
//     time.
//  3. now never goes back: a clock that steps back stops the wheel, one that leaps ahead makes it
//     catch up.
package wheel

import (
	"math/bits"
	"time"
	"unsafe"

	"github.com/reprise-go/reprise/internal/prefetch"
)

const (
	digit  = 6                        // bits of a tick that one level looks at
	size   = 1 << digit               // slots per level
	levels = (63 + digit - 1) / digit // enough for every tick
	latest = int64(1) << 62           // readings are clamped to it
	ahead  = time.Duration(1)<<61 - 1 // the longest resolution
)

// A Timer is one entry of a Wheel, embedded in what it belongs to. The zero Timer is not armed.
type Timer[T any] struct {
	next, prev *Timer[T] // in a slot's circular list; both nil when not armed
	tick       int64
	Owner      T // what fire is called with
}

// Armed reports whether the timer is in a wheel.
func (t *Timer[T]) Armed() bool { return t.next != nil && t.tick != handedOut }

// handedOut is the tick of a timer that is no longer armed and still the first of the list of those
// that are due.
const handedOut = -1

// A Wheel belongs to one goroutine: nothing in it, or in its Timers, is safe for concurrent use.
type Wheel[T any] struct {
	shift    uint
	now      int64 // the current tick: everything due before it has been handed out or is in due
	armed    int
	occupied [levels]uint64          // bit s: slot s has timers
	slots    [levels]*[size]Timer[T] // list heads, made when first needed
	due      Timer[T]                // list head: the timers of the slot that now has entered, not yet handled
}

// New returns a wheel whose ticks are the largest power of two of nanoseconds that is at most
// resolution, at the given reading.
func New[T any](resolution time.Duration, reading int64) *Wheel[T] {
	w := &Wheel[T]{shift: uint(bits.Len64(uint64(max(1, min(resolution, ahead)))) - 1)}
	w.now = clamp(reading) >> w.shift
	w.due.init()
	return w
}

// Len returns how many timers are armed.
func (w *Wheel[T]) Len() int { return w.armed }

// Resolution returns the length of a tick: a timer fires at most that much after its reading, if
// Advance is called in time.
func (w *Wheel[T]) Resolution() time.Duration { return 1 << w.shift }

// Set arms t, or moves it, to fire at the given reading: at the next Advance when that has passed.
func (w *Wheel[T]) Set(t *Timer[T], reading int64) {
	w.Remove(t)
	t.tick = max(w.now, (clamp(reading)+1<<w.shift-1)>>w.shift)
	w.armed++
	w.place(t)
}

// Remove disarms t, if it is armed.
func (w *Wheel[T]) Remove(t *Timer[T]) {
	if t.next == nil {
		return
	}
	t.unlink()
	if t.tick == handedOut {
		return
	}
	w.armed--
	level, slot := w.slot(t.tick)
	if heads := w.slots[level]; heads != nil && heads[slot].empty() {
		w.occupied[level] &^= 1 << slot
	}
}

// Advance calls fire for the timers that are due at the given reading, disarmed: fire may arm or
// remove any timer. It fires and moves at most limit timers and reports whether it has handled all;
// if not, call it again.
//
// To take a timer out of its list is to write to the next one, which no cache holds if there are
// many. So a timer stays in its list while fire runs: by then the next one has arrived.
func (w *Wheel[T]) Advance(reading int64, limit int, fire func(T)) (all bool) {
	to := max(w.now, clamp(reading)>>w.shift)
	for range limit {
		t := w.next(to)
		if t == nil {
			return true
		}
		prefetch.Line(uintptr(unsafe.Pointer(t.next)))
		if t.tick > w.now {
			t.unlink()
			w.place(t)
			continue
		}
		w.armed--
		t.tick = handedOut
		fire(t.Owner)
		if t.tick == handedOut { // else fire has armed it, for another tick
			w.Remove(t)
		}
	}
	return false
}

// Next returns the reading before which Advance has nothing to do. It is never later than the
// earliest timer, and earlier only for one that is far off, a few times in its life.
func (w *Wheel[T]) Next() (reading int64, ok bool) {
	if !w.due.empty() {
		return w.now << w.shift, true
	}
	_, _, start, ok := w.first()
	return start << w.shift, ok
}

// next returns the next timer to handle: one of the current slot's, or of the next slot that begins
// by the given tick, to which time moves.
func (w *Wheel[T]) next(to int64) *Timer[T] {
	for w.due.empty() {
		level, slot, start, ok := w.first()
		if !ok || start > to {
			w.now = to
			return nil
		}
		w.now = start
		w.occupied[level] &^= 1 << slot
		w.due.takeAll(&w.slots[level][slot])
	}
	return w.due.next
}

// first finds the slot that begins first.
func (w *Wheel[T]) first() (level, slot int, start int64, ok bool) {
	for level := range w.occupied {
		if occupied := w.occupied[level]; occupied != 0 {
			slot = bits.TrailingZeros64(occupied)
			above := w.now >> (digit * level) &^ (size - 1)
			return level, slot, (above | int64(slot)) << (digit * level), true
		}
	}
	return 0, 0, 0, false
}

func (w *Wheel[T]) place(t *Timer[T]) {
	level, slot := w.slot(t.tick)
	heads := w.slots[level]
	if heads == nil {
		heads = new([size]Timer[T])
		for i := range heads {
			heads[i].init()
		}
		w.slots[level] = heads
	}
	w.occupied[level] |= 1 << slot
	heads[slot].append(t)
}

func (w *Wheel[T]) slot(tick int64) (level, slot int) {
	level = (bits.Len64(uint64(tick^w.now)|1) - 1) / digit
	return level, int(tick>>(digit*level)) & (size - 1)
}

func clamp(reading int64) int64 { return max(0, min(reading, latest)) }

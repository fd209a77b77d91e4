// Package tally holds the counters and the byte budget that the sessions of one manager share,
// striped so that two sessions seldom meet on a cache line.
package tally

import (
	"runtime"
	"sync/atomic"
)

// A Stripe is two cache lines of counters, of which an append writes the first alone. Writers add
// deltas to the stripe that their session hashes to; a counter's value is its sum over all stripes,
// so one stripe alone may be negative.
type Stripe struct {
	stored        atomic.Uint64 // bytes<<eventBits | events, of what was appended since the last carry; see Append
	Events        atomic.Int64  // events retained
	Bytes         atomic.Int64  // bytes retained, as MaxBytes counts them
	Memory        atomic.Int64  // heap bytes of the rings, estimated
	Released      atomic.Int64  // events that went because their session ended
	ReleasedBytes atomic.Int64  // and their bytes
	Duplicates    atomic.Int64  // appends refused for their ID
	Replayed      atomic.Int64  // events handed to readers that were stored before the reader came

	appended, appendedBytes atomic.Int64 // carried over from stored
	begun, done             atomic.Int64 // carries; between the two an amount is in neither place
	_                       [32]byte
}

// An append adds to events and bytes with one instruction: both are in one word, whose halves are
// carried over into counters of their own before they are full. When the word says so there is room
// left for 2^23 more events, or 500 of the largest, and everybody who adds one meanwhile carries.
const eventBits = 24

// Append counts events of that many bytes together.
func (p *Stripe) Append(events, bytes int64) {
	if events > 1 { // of any number and size
		p.appended.Add(events)
		p.appendedBytes.Add(bytes)
		return
	}
	if v := p.stored.Add(uint64(bytes)<<eventBits | 1); (v|v<<(64-eventBits))>>63 != 0 {
		p.carry()
	}
}

func (p *Stripe) carry() {
	p.begun.Add(1)
	v := p.stored.Swap(0)
	p.appended.Add(int64(v & (1<<eventBits - 1)))
	p.appendedBytes.Add(int64(v >> eventBits))
	p.done.Add(1)
}

// sum returns what was appended in all. It looks again when somebody carries, but does not wait for
// ever for one who has stalled.
func (p *Stripe) sum() (events, bytes int64) {
	for range 1000 {
		done := p.done.Load()
		v := p.stored.Load()
		events, bytes = p.appended.Load()+int64(v&(1<<eventBits-1)), p.appendedBytes.Load()+int64(v>>eventBits)
		if p.begun.Load() == done {
			break
		}
		runtime.Gosched()
	}
	return events, bytes
}

// Tally is a power of two of stripes.
type Tally struct{ stripes []Stripe }

// New returns a tally of at least n stripes.
func New(n int) *Tally {
	size := 1
	for size < n {
		size *= 2
	}
	return &Tally{make([]Stripe, size)}
}

// Stripe returns the stripe for a hash.
func (t *Tally) Stripe(hash uint64) *Stripe { return &t.stripes[hash&uint64(len(t.stripes)-1)] }

// Sums adds up all stripes: exact when nobody writes.
type Sums struct {
	Appended, AppendedBytes, Events, Bytes, Memory, Released, ReleasedBytes, Duplicates, Replayed int64
}

// Sum costs the same however many sessions there are.
func (t *Tally) Sum() (s Sums) {
	for i := range t.stripes {
		p := &t.stripes[i]
		events, bytes := p.sum()
		s.Appended += events
		s.AppendedBytes += bytes
		s.Events += p.Events.Load()
		s.Bytes += p.Bytes.Load()
		s.Memory += p.Memory.Load()
		s.Released += p.Released.Load()
		s.ReleasedBytes += p.ReleasedBytes.Load()
		s.Duplicates += p.Duplicates.Load()
		s.Replayed += p.Replayed.Load()
	}
	return s
}

// A Budget bounds the bytes that all sessions retain together. Each session owns a share that
// nobody can take from it; what it holds beyond is drawn from a pool that all have in common. One
// counter, touched only by appends that change how much their session holds beyond its share. A nil
// Budget is unlimited.
type Budget struct {
	share int64
	pool  int64
	_     [128]byte    // every append reads what is above, and only those that grow write what is below
	used  atomic.Int64 // of the pool; above it by at most what concurrent writers have just drawn
}

// NewBudget divides total among sessions: half of it in equal shares, the rest in common. sessions
// <= 0: all in common.
func NewBudget(total int64, sessions int) *Budget {
	b := &Budget{pool: total}
	if sessions > 0 {
		b.share = total / 2 / int64(sessions)
		b.pool = total - b.share*int64(sessions)
	}
	return b
}

// Used returns what is drawn from the pool, and Pool how large it is, in bytes.
func (b *Budget) Used() int64 { return b.used.Load() }
func (b *Budget) Pool() int64 { return b.pool }

// Charge is what a session that retains n bytes draws from the pool.
func (b *Budget) Charge(n int64) int64 { return max(0, n-b.share) }

// Free is what is left in the pool; negative when writers have overdrawn it together.
func (b *Budget) Free() int64 { return b.pool - b.used.Load() }

// Draw takes n bytes from the pool, also when it has fewer; a negative n gives back.
func (b *Budget) Draw(n int64) { b.used.Add(n) }

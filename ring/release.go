package ring

import "math"

// Flags in the low bits of Ring.books: set, never cleared.
const (
	released = 1 << iota // the ring is no longer part of its Group's counts
	imitated             // somebody has appended an ID that looks like one of this ring's assigned IDs
	bookBits = 2
)

// Release closes the ring and takes it out of its Group's Tally and Budget, once, however often it
// is called. It returns the final statistics. Cursors go on reading.
func (r *Ring) Release() Stats {
	r.Close()
	s := r.Stats()
	books := r.books.Or(released)
	if books&released != 0 {
		return s
	}
	if b := r.group.Budget; b != nil {
		b.Draw(-b.Charge(s.Bytes))
	}
	if t := r.group.Tally; t != nil {
		p := t.Stripe(r.stripeHash())
		p.Events.Add(-int64(s.Events))
		p.Bytes.Add(-s.Bytes)
		p.Released.Add(int64(s.Events))
		p.ReleasedBytes.Add(s.Bytes)
		p.Memory.Add(-(books >> bookBits))
	}
	return s
}

// Discard lets go of the events of a released ring, once nobody is to read any more, while the Ring
// itself may be held for long. Before Release it does nothing: the final statistics are still to be
// taken. Cursors that have not read everything are overtaken, a Seek finds nothing, and Stats shows
// no events. What readers were given stays valid.
//
// An append that was held up meanwhile finds a page without room, which no sequence number belongs
// to, and then that the ring is closed.
func (r *Ring) Discard() {
	if r.books.Load()&released == 0 {
		return
	}
	r.dir.Store(&discardedDirectory)
	r.cur.Store(&discarded)
	if p := r.prop.Load(); p != nil {
		r.prop.CompareAndSwap(p, nil) // one that is put there from now on is taken out by the goroutine that does
	}
}

// IsDiscarded reports whether the ring has let go of its events.
func (r *Ring) IsDiscarded() bool { return r.cur.Load() == &discarded }

// discarded and discardedDirectory are what cur and dir of a discarded ring point to. No proposal
// names them, so that nothing ever replaces them, and no sequence is above the page's base.
var (
	discarded          = page{base: math.MaxUint64}
	discardedDirectory directory
)

// Memory estimates the heap that the ring holds beyond itself, in bytes; what readers hold beyond
// it is not counted.
func (r *Ring) Memory() int64 {
	if r.IsDiscarded() {
		return 0
	}
	return r.books.Load() >> bookBits
}

// account notes that the ring's heap has grown by n bytes. Each change is counted by the one
// goroutine whose swap brought it about. Release sets its flag in the word that it reads, so that
// it takes out exactly what was counted before, and later changes are not.
func (r *Ring) account(n int64) {
	if books := r.books.Add(n << bookBits); books&released == 0 && r.group.Tally != nil {
		r.group.Tally.Stripe(r.stripeHash()).Memory.Add(n)
	}
}

package ring

import (
	"math"
	"unsafe"

	"github.com/reprise-go/reprise/internal/step"
)

// A Cursor reads a ring's events in order. It is a value: a copy reads on by itself. It holds no
// lock and pins no event. One goroutine at a time uses a cursor; any number of cursors read the
// same ring. The zero Cursor has nothing to read.
type Cursor struct {
	ring   *Ring
	seq    uint64 // read up to here
	page   uint64 // ordinal of the page where the last event was, if that page was complete; may be out of date
	word   uint64 // a state word under which all after seq is retained; 0: none is known
	stream string // the only stream to see, if one is set and kept is not
	length uint16 // of the only stream's name
	kept   bool   // the only stream's name is in name
	one    bool   // only one stream is seen
	gone   bool   // overtaken
	name   [40]byte
}

// Next fills e with the next event and returns true. It returns false when there is none now, and
// then Err is nil and a later event makes it true again, or when the cursor has been overtaken.
// Strings and Data are views of the log: valid for ever, read-only.
//
// It is wait-free and does not allocate. A cursor that sees one stream steps over the events of the
// others, up to the one that is the newest when Next is called: writers that are as fast as it
// cannot keep it.
func (c *Cursor) Next(e *Event) bool {
	r := c.ring
	if r == nil || c.gone {
		return false
	}
	word, seq := r.word.Load(), c.seq+1
	end := seqOf(word)
	if seq > end {
		return false
	}
	step.At(step.ReaderWord)
	cur := r.cur.Load()
	step.At(step.ReaderPage)
	dir := r.dir.Load()
	if word != c.word {
		newest := cur
		if end <= cur.base {
			newest = dir.find(cur, end)
		}
		if newest == nil || c.seq < end-newest.of(end).count() {
			c.gone = true // the next event has been dropped, maybe even the newest one of a moment ago
			return false
		}
		c.word = word
	}
	for ; seq <= end; seq++ {
		p := cur
		if seq <= cur.base {
			// Mostly it is in the page that the last one was in.
			if p = dir.page(c.page).holding(seq); p == nil {
				if p = c.turn(dir, cur, seq); p == nil {
					c.gone = true
					return false
				}
			}
		}
		s := p.of(seq)
		c.seq = seq
		if c.one && (s.streamLen() != int(c.length) || c.length != 0 && p.stream(s) != c.only()) {
			continue
		}
		p.fill(s, e, seq)
		return true
	}
	return false
}

// turn goes to the page of seq, the next one if there is nothing unusual, and returns it, or nil
// when it has gone.
func (c *Cursor) turn(d *directory, cur *page, seq uint64) *page {
	p := d.page(c.page + 1).holding(seq)
	if p == nil {
		if p = d.find(cur, seq); p == nil {
			return nil
		}
	}
	c.page = p.ordinal
	return p
}

// Err returns ErrEvicted once writers have overtaken the cursor: an event that it had not read is
// gone, of its stream or of another, for the ring cannot tell. Otherwise it returns nil.
func (c *Cursor) Err() error {
	if !c.gone {
		return nil
	}
	return &overtakenError{c.seq}
}

// Seq returns the sequence up to which the cursor has read.
func (c *Cursor) Seq() uint64 { return c.seq }

// Only returns a cursor at the same position that sees this stream alone.
func (c Cursor) Only(stream string) Cursor {
	c.one, c.kept = true, false
	// No stream has a name longer than MaxIDBytes, so that cutting the length off does no harm.
	c.stream, c.length = stream, uint16(min(len(stream), math.MaxUint16))
	return c
}

// All returns a cursor at the same position that sees every stream.
func (c Cursor) All() Cursor {
	c.one, c.kept = false, false
	c.stream, c.length = "", 0
	return c
}

// Oldest returns a cursor before the oldest event that is retained, which sees the same streams. A
// reader that has been overtaken goes on with it.
func (c Cursor) Oldest() Cursor {
	if c.ring != nil {
		c.seq, c.gone = c.ring.look().first-1, false
	}
	return c
}

// keepStream makes the cursor see one stream, whose name is a view of the log: a copy, so that the
// cursor pins nothing.
func (c *Cursor) keepStream(stream string) {
	c.one, c.length = true, uint16(len(stream))
	if c.kept = len(stream) <= len(c.name); c.kept {
		copy(c.name[:], stream)
		return
	}
	c.stream = string([]byte(stream))
}

// only is the name of the one stream that c sees.
func (c *Cursor) only() string {
	if c.kept {
		return unsafe.String(&c.name[0], int(c.length))
	}
	return c.stream
}

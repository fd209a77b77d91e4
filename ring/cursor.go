package ring

import (
	"fmt"

	"github.com/reprise-go/reprise/internal/step"
)

// A Cursor reads a ring's events in order. It is a value: a copy reads on by itself. It holds no lock and pins no event. One
// goroutine at a time uses a cursor; any number of cursors read the same ring. The zero Cursor has nothing to read.
type Cursor struct {
	ring   *Ring
	seq    uint64 // read up to here
	stream string // the only stream to see, if one is set and kept is 0
	kept   uint8  // length of the only stream's name, if it is in name
	one    bool
	gone   bool // overtaken
	name   [40]byte
}

// Next fills e with the next event and returns true. It returns false when there is none now, and then Err is nil and a later
// event makes it true again, or when the cursor has been overtaken. Strings and Data are views of the log: valid for ever, read-only.
//
// It is wait-free and does not allocate. A cursor that sees one stream steps over the events of the others, up to the one that is the newest when
// Next is called: writers that are as fast as it cannot keep it.
func (c *Cursor) Next(e *Event) bool {
	r := c.ring
	if r == nil || c.gone {
		return false
	}
	end := tailSeq(r.tail.Load())
	for c.seq < end {
		seq := c.seq + 1
		t := r.table.Load()
		w := t.slot(seq).word.Load()
		dir := r.dir.Load()
		step.At(step.ReaderSlot)
		// If seq is retained even now, then w is its record and the record's chunk is in dir. If not, w may be anything.
		if seq < tailFirst(r.tail.Load()) {
			c.gone = true
			return false
		}
		rec := dir.chunks[t.place(w)].record(unitOf(w))
		c.seq = seq
		if !c.one || c.sees(rec.stream()) {
			rec.fill(e, seq)
			return true
		}
	}
	return false
}

// record returns the record of seq, which was visible before t was loaded, or false when it has been evicted.
func (r *Ring) record(t *table, seq uint64) (*record, bool) {
	w := t.slot(seq).word.Load()
	dir := r.dir.Load()
	if seq < tailFirst(r.tail.Load()) {
		return nil, false
	}
	return dir.chunks[t.place(w)].record(unitOf(w)), true
}

// Err returns ErrEvicted once writers have overtaken the cursor: an event that it had not read is gone, of its stream or of another, for the
// ring cannot tell. Otherwise it returns nil.
func (c *Cursor) Err() error {
	if !c.gone {
		return nil
	}
	return fmt.Errorf("%w: the one after sequence %d is gone", ErrEvicted, c.seq)
}

// Seq returns the sequence up to which the cursor has read.
func (c *Cursor) Seq() uint64 { return c.seq }

// Only returns a cursor at the same position that sees this stream alone.
func (c Cursor) Only(stream string) Cursor {
	c.one, c.stream, c.kept = true, stream, 0
	return c
}

// All returns a cursor at the same position that sees every stream.
func (c Cursor) All() Cursor {
	c.one, c.stream, c.kept = false, "", 0
	return c
}

// keepStream makes the cursor see one stream, whose name is a view of the log: a copy, so that the cursor pins nothing.
func (c *Cursor) keepStream(stream string) {
	c.one = true
	if len(stream) <= len(c.name) {
		c.kept = uint8(copy(c.name[:], stream))
		return
	}
	c.stream = string([]byte(stream))
}

// sees reports whether the one stream that c sees is this one.
func (c *Cursor) sees(stream string) bool {
	if c.kept > 0 {
		return string(c.name[:c.kept]) == stream
	}
	return c.stream == stream
}

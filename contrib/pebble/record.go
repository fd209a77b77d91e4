package pebble

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// An event as it is stored, under a key that has its sequence: a byte of flags, the time in
// nanoseconds (8 bytes), for the last event of an append what it has made of the session (see
// tally), the lengths of ID, Stream and Type as varints, these three, and the data. An ID that was
// assigned, here or by a log in front, follows from the sequence and is not stored.
const (
	hasID      = 1 << iota // the event is stored with its ID, and is in the index
	isNumbered             // its ID is that of a log in front, see numberedBy
	hasTally               // it is the last of an append
)

// A record is an event to be stored.
type record struct {
	event *ring.Event
	flags byte
	tally tally // if flags say so
}

// id is what is stored of the ID.
func (r *record) id() string {
	if r.flags&hasID == 0 {
		return ""
	}
	return r.event.ID
}

// size is the length of what append appends.
func (r *record) size() int {
	n := 1 + 8 + len(r.event.Data)
	if r.flags&hasTally != 0 {
		n += r.tally.size(r.event.Time.UnixNano())
	}
	for _, s := range [...]string{r.id(), r.event.Stream, r.event.Type} {
		n += uvarintLen(uint64(len(s))) + len(s)
	}
	return n
}

func (r *record) append(dst []byte) []byte {
	e, nano := r.event, r.event.Time.UnixNano()
	dst = append(dst, r.flags)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(nano))
	if r.flags&hasTally != 0 {
		dst = r.tally.append(dst, nano)
	}
	id := r.id()
	for _, s := range [...]string{id, e.Stream, e.Type} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
	}
	dst = append(append(append(dst, id...), e.Stream...), e.Type...)
	return append(dst, e.Data...)
}

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// A raw event is a record taken apart. Its parts are those of the record.
type rawEvent struct {
	withID, numbered bool
	nano             int64
	tallied          bool
	tally            tally
	id, stream, kind []byte
	data             []byte
}

func parseRecord(key, record []byte) (r rawEvent, err error) {
	d := decoder{b: record}
	flags := d.byte()
	r.withID, r.numbered, r.tallied = flags&hasID != 0, flags&isNumbered != 0, flags&hasTally != 0
	d.bad = d.bad || flags >= hasTally<<1 || r.withID && r.numbered
	r.nano = int64(d.uint64())
	if r.tallied {
		r.tally = d.tally(r.nano)
	}
	lengths := [3]int{d.length(), d.length(), d.length()}
	r.id, r.stream, r.kind = d.take(lengths[0]), d.take(lengths[1]), d.take(lengths[2])
	r.data = d.b
	return r, d.check(key)
}

// event returns a copy with the sequence and, for one that is stored without, the ID given.
func (r *rawEvent) event(seq uint64, assigned string) ring.Event {
	e := ring.Event{Seq: seq, ID: assigned, Stream: string(r.stream), Type: string(r.kind), Time: time.Unix(0, r.nano)}
	if r.withID {
		e.ID = string(r.id)
	}
	if len(r.data) > 0 {
		e.Data = append(make([]byte, 0, len(r.data)), r.data...)
	}
	return e
}

// A decoder takes a value apart. After the first part that is not there all others are zero, and
// check says so.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.bad, n = true, 0
	}
	part := d.b[:n:n]
	d.b = d.b[n:]
	return part
}

func (d *decoder) byte() byte {
	if part := d.take(1); len(part) == 1 {
		return part[0]
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if part := d.take(8); len(part) == 8 {
		return binary.LittleEndian.Uint64(part)
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// length is a varint that cannot be longer than what follows.
func (d *decoder) length() int {
	v := d.uvarint()
	if v > uint64(len(d.b)) {
		d.bad = true
		return 0
	}
	return int(v)
}

func (d *decoder) string() string { return string(d.take(d.length())) }

// check returns an error that names the key if the value was not all there.
func (d *decoder) check(key []byte) error {
	if d.bad {
		return fmt.Errorf("%w: the value of key %q", ErrCorrupt, key)
	}
	return nil
}

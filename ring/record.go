package ring

import (
	"time"
	"unsafe"
)

// A record is one event in a chunk: this header, then the bytes of ID, Stream, Type and Data, one after the other.
//
// Until its word is in a slot a record belongs to the goroutine that writes it; from then on nobody writes it. Readers get to it through
// the slot, so the swap of the slot orders the plain reads after the plain writes.
type record struct {
	after uint64 // count<<costBits | sum: how many events are retained once this is the newest; what all up to it have cost, modulo Group.costs()+1
	nanos int64  // Event.Time, in Unix nanoseconds
	lens  uint64 // len(Data) | len(ID)<<idShift | len(Stream)<<streamShift | len(Type)<<typeShift | indexed
}

const (
	recordBytes = 24
	costBits    = 43

	lenBits     = 9 // ID, Stream and Type
	dataBits    = 32
	idShift     = dataBits
	streamShift = idShift + lenBits
	typeShift   = streamShift + lenBits
	lenMask     = 1<<lenBits - 1
	indexed     = 1 << 63 // the ID is found through the index: it is not an assigned one
)

func (r *record) count() uint64   { return r.after >> costBits }
func (r *record) sum() uint64     { return r.after & (1<<costBits - 1) }
func (r *record) dataLen() int    { return int(r.lens & (1<<dataBits - 1)) }
func (r *record) idLen() int      { return int(r.lens >> idShift & lenMask) }
func (r *record) streamLen() int  { return int(r.lens >> streamShift & lenMask) }
func (r *record) typeLen() int    { return int(r.lens >> typeShift & lenMask) }
func (r *record) textLen() int    { return r.idLen() + r.streamLen() + r.typeLen() }
func (r *record) isIndexed() bool { return r.lens&indexed != 0 }

// cost is what the event counts against MaxBytes.
func (r *record) cost() int64 { return int64(r.textLen() + r.dataLen() + Overhead) }

// text returns a view of n bytes at off. An empty string must not point anywhere: the address may be one past the chunk.
func (r *record) text(off, n int) string {
	if n == 0 {
		return ""
	}
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(r), recordBytes+off)), n)
}

func (r *record) id() string     { return r.text(0, r.idLen()) }
func (r *record) stream() string { return r.text(r.idLen(), r.streamLen()) }

// bytesAt returns a view of n bytes at off, nil for none.
func (r *record) bytesAt(off, n int) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(r), recordBytes+off)), n)
}

// fill writes the event to e, as views of the record.
func (r *record) fill(e *Event, seq uint64) {
	lens := r.lens
	id, stream, typ := int(lens>>idShift&lenMask), int(lens>>streamShift&lenMask), int(lens>>typeShift&lenMask)
	e.Seq = seq
	e.ID = r.text(0, id)
	e.Stream, e.Type = "", ""
	if stream+typ != 0 {
		e.Stream = r.text(id, stream)
		e.Type = r.text(id+stream, typ)
	}
	e.Data = r.bytesAt(id+stream+typ, int(lens&(1<<dataBits-1)))
	e.Time = time.Unix(0, r.nanos)
}

// write fills what does not depend on the sequence: all of a private record of that size but after, indexed and an assigned ID. An ID at least is there.
func (r *record) write(e *Event, idLen, size int, nanos int64) {
	r.nanos = nanos
	r.lens = uint64(len(e.Data)) | uint64(idLen)<<idShift | uint64(len(e.Stream))<<streamShift | uint64(len(e.Type))<<typeShift
	body := r.bytes(size)
	if off := size - len(e.Data); off != idLen || len(e.ID) != 0 {
		copy(body, e.ID)
		if off != idLen {
			copy(body[idLen:], e.Stream)
			copy(body[idLen+len(e.Stream):], e.Type)
		}
	}
	copy(body[size-len(e.Data):], e.Data)
}

// bytes is the first n bytes after the header, for writing.
func (r *record) bytes(n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(r), recordBytes)), n)
}

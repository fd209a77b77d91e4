package ring

import (
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// A page is a piece of memory without pointers that holds consecutive events from base+1 on, as
// many as there is room for: this header, a slot for each event, and then the events' bytes, back
// to back.
//
// It is written once. The header is complete before the page can be seen, but for count and
// dropped. The slots and bytes of the newest page's free part belong to the owner of the ring, who
// publishes them with the state word; an owner that was overtaken may write there too, but only
// until it notices, and in a page to which nobody appends any more. What is visible is never
// written again.
type page struct {
	base    uint64 // the sequence before its first
	ordinal uint64 // 1, 2, 3, …; 0: this page stands for none
	oldest  uint64 // the ordinal of the oldest page that was retained when this one was made
	units   uint32 // size, in units of 8 bytes
	slots   uint32 // how many there are

	// When the page was made, the retained events from sequence costsFrom on, costs of them, cost
	// what is in goes of the slots: an append that evicts one of them need not look at it. The
	// sequence is cut off at 32 bits, and nothing of it is known unless costs says so.
	costsFrom, costs uint32

	count   atomic.Uint32 // of events, once it is complete; 0 before; written by settle, always the same
	dropped atomic.Uint32 // 1: no longer counted in Ring.books; see directory
}

// A slot describes an event.
type slot struct {
	retained uint64 // events retained once this one is the newest <<costBits | what they cost
	nanos    int64  // Event.Time, in Unix nanoseconds
	place    uint64 // where in the page its bytes begin | how many there are <<sizeShift
	texts    uint32 // len(ID) | len(Stream)<<streamShift | len(Type)<<typeShift | indexed
	goes     uint32 // what another event costs; see page.costs
}

const (
	headBytes = 48
	slotBytes = 32
	costBits  = 43 // MaxMaxBytes

	offBits   = 33
	sizeShift = offBits
	sizeBits  = 31 // MaxMaxEventBytes and an assigned ID
	// what the events of one batch may cost: all of them lie in one page, and a slot reaches 8 GiB
	// far
	maxBatch = 6 << 30

	idBits      = 11 // MaxMaxIDBytes, and an assigned ID that imitations have made longer
	idMask      = 1<<idBits - 1
	textBits    = 9 // MaxIDBytes
	textMask    = 1<<textBits - 1
	streamShift = idBits
	typeShift   = idBits + textBits
	indexed     = 1 << 31 // the ID is found through the index: it is not an assigned one
)

// noPage is cur of a ring without events.
var noPage page

func (p *page) isNone() bool { return p.ordinal == 0 }

func (p *page) slot(i uint64) *slot {
	return (*slot)(unsafe.Add(unsafe.Pointer(p), headBytes+uintptr(i)*slotBytes))
}

// of returns the slot of seq, which is in the page.
func (p *page) of(seq uint64) *slot { return p.slot(seq - 1 - p.base) }

func (p *page) at(off uint64) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(p), uintptr(off)) }

func (p *page) size() uint64  { return uint64(p.units) * 8 }
func (p *page) bytes() int64  { return int64(p.units) * 8 }
func (p *page) start() uint64 { return headBytes + uint64(p.slots)*slotBytes } // of the events' bytes

// cost returns what seq costs if the page knows.
func (p *page) cost(seq uint64) (cost int64, ok bool) {
	i := uint32(seq) - p.costsFrom
	if i >= p.costs {
		return 0, false
	}
	return int64(p.slot(uint64(i)).goes), true
}

func (s *slot) count() uint64   { return s.retained >> costBits }
func (s *slot) bytes() int64    { return int64(s.retained & (1<<costBits - 1)) }
func (s *slot) off() uint64     { return s.place & (1<<offBits - 1) }
func (s *slot) size() int       { return int(s.place >> sizeShift) }
func (s *slot) end() uint64     { return s.off() + s.place>>sizeShift }
func (s *slot) cost() int64     { return int64(s.size() + Overhead) }
func (s *slot) idLen() int      { return int(s.texts & idMask) }
func (s *slot) streamLen() int  { return int(s.texts >> streamShift & textMask) }
func (s *slot) isIndexed() bool { return s.texts&indexed != 0 }

func (p *page) id(s *slot) string     { return p.text(s.off(), s.idLen()) }
func (p *page) stream(s *slot) string { return p.text(s.off()+uint64(s.idLen()), s.streamLen()) }

// text returns a view of n bytes. An empty one must not point anywhere: the address may be one past
// the page.
func (p *page) text(off uint64, n int) string {
	if n == 0 {
		return ""
	}
	return unsafe.String((*byte)(p.at(off)), n)
}

// A stringHeader is what a string is, and a sliceHeader what a []byte is. To write them is what
// unsafe.String and unsafe.Slice do, without their checks, which take a tenth of the time of Next.
type stringHeader struct {
	data unsafe.Pointer
	len  int
}

type sliceHeader struct {
	stringHeader
	cap int
}

// setID makes the ID a view of n bytes; no stored event's is empty.
func (e *Event) setID(at unsafe.Pointer, n int) {
	*(*stringHeader)(unsafe.Pointer(&e.ID)) = stringHeader{at, n}
}

// setData makes Data a view of n bytes of p, nil for none: off may be the end of the page then,
// where no pointer may point.
func (e *Event) setData(p *page, off uint64, n int) {
	if n == 0 {
		e.Data = nil
		return
	}
	*(*sliceHeader)(unsafe.Pointer(&e.Data)) = sliceHeader{stringHeader{p.at(off), n}, n}
}

// fill writes the event of slot s to e, as views of the page.
func (p *page) fill(s *slot, e *Event, seq uint64) {
	off, size, texts := s.off(), s.size(), s.texts
	id := int(texts & idMask)
	e.Seq = seq
	e.setID(p.at(off), id)
	e.Stream, e.Type = "", ""
	if texts&^indexed != uint32(id) {
		stream, typ := int(texts>>streamShift&textMask), int(texts>>typeShift&textMask)
		e.Stream = p.text(off+uint64(id), stream)
		e.Type = p.text(off+uint64(id+stream), typ)
		id += stream + typ
	}
	e.setData(p, off+uint64(id), size-id)
	e.Time = time.Unix(0, s.nanos)
}

// put writes event e with the given ID length and size, ID included, behind off, and its slot but
// for goes. An ID to be assigned is left out.
func (p *page) put(s *slot, off uint64, e *Event, idLen, size int, retained uint64, nanos int64, flag uint32) {
	s.retained = retained
	s.nanos = nanos
	s.place = off | uint64(size)<<sizeShift
	s.texts = uint32(idLen) | uint32(len(e.Stream))<<streamShift | uint32(len(e.Type))<<typeShift | flag
	bytes := unsafe.Slice((*byte)(p.at(off)), size)
	copy(bytes, e.ID)
	if size-len(e.Data) != idLen {
		copy(bytes[idLen:], e.Stream)
		copy(bytes[idLen+len(e.Stream):], e.Type)
	}
	copy(bytes[size-len(e.Data):], e.Data)
}

// newPage returns a page after base of at least n bytes: all that the allocator's size class gives.
func newPage(base, n uint64) *page {
	var b strings.Builder
	b.Grow(int(n))
	b.WriteByte(0)
	p := (*page)(unsafe.Pointer(unsafe.StringData(b.String())))
	*(*[headBytes]byte)(unsafe.Pointer(p)) = [headBytes]byte{}
	p.base, p.units = base, uint32(b.Cap()/8)
	return p
}

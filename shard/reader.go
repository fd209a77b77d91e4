package shard

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// A Reader is an open connection that reads a session and says how far it has read, so that
// [Session.Health] can tell who is about to lose events. Those of package replay have one by
// themselves; whoever reads through a cursor of its own gets one from [Session.AttachReader]. It
// takes 128 bytes.
type Reader struct {
	at       atomic.Uint64 // 1 + the sequence read up to, 0 while that is not known; written by the reader alone
	s        *Session
	since    int64 // reading at which it was attached
	detached atomic.Bool

	next, prev *Reader // in readers.first; guarded by readers.mu
	_          [cacheLine - readerBytes]byte
}

// readerBytes is what a Reader's fields take: padded to a cache line, no two readers write to the
// same one.
const readerBytes = 3*8 + 8 + 2*unsafe.Sizeof(uintptr(0))

// AttachReader is [Session.Attach] for a reader that will say how far it has read. Until it does,
// it is a reader like any other.
func (s *Session) AttachReader() (*Reader, error) {
	if err := s.attach(); err != nil {
		return nil, err
	}
	r := &Reader{s: s, since: s.home.clock.Now()}
	s.withOptional().readers.add(r)
	return r, nil
}

// ReadUpTo says that everything up to seq has been read and is safe from eviction. It is one atomic
// store to a word that nobody else writes; call it when caught up and once for a batch, not for
// every event. One goroutine at a time may.
func (r *Reader) ReadUpTo(seq uint64) { r.at.Store(seq + 1) }

// Detach counts the reader off. It may be called more than once, at any time.
func (r *Reader) Detach() {
	if r.detached.Swap(true) {
		return
	}
	s := r.s
	s.withOptional().readers.remove(r, s)
	s.detach()
	s.home.attached.Add(-1)
}

// ReaderInfo describes a reader at one moment.
type ReaderInfo struct {
	Since  time.Time // when it was attached
	Known  bool      // it has said how far it has read; if not, what follows is 0
	Read   uint64    // sequence up to which it has read; what it has read since it last said so is not in it
	Lag    uint64    // events that it has still to read
	Danger float64   // how far it is on the way to losing events, as Health.Danger
}

// Readers describes the readers, in no order. It takes a lock that only those who attach and detach
// take, for a few nanoseconds a reader, and allocates.
func (s *Session) Readers() []ReaderInfo {
	l := s.window()
	infos := make([]ReaderInfo, 0, s.attached.Load())
	if x := s.optional.Load(); x != nil {
		x.readers.each(func(r *Reader) { infos = append(infos, r.info(l)) })
	}
	return infos
}

func (r *Reader) info(l window) ReaderInfo {
	i := ReaderInfo{Since: time.Unix(0, r.s.home.clock.Wall(r.since))}
	if at := r.at.Load(); at > 0 {
		i.Known, i.Read = true, at-1
		i.Lag, i.Danger = l.lag(i.Read)
	}
	return i
}

// readers are the readers of one session.
type readers struct {
	mu     sync.Mutex
	first  *Reader
	left   int64  // reading at which the last one went, 0 if none ever has
	leftAt uint64 // the newest sequence then
}

func (l *readers) add(r *Reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.next = l.first
	if r.next != nil {
		r.next.prev = r
	}
	l.first = r
}

func (l *readers) remove(r *Reader, s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.next != nil {
		r.next.prev = r.prev
	}
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.first = r.next
	}
	r.next, r.prev = nil, nil
	if l.first == nil {
		l.left = s.home.clock.Now()
		if log := s.readable(); log != nil {
			l.leftAt = log.Stats().Last
		}
	}
}

func (l *readers) each(do func(*Reader)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := l.first; r != nil; r = r.next {
		do(r)
	}
}

// absentSince returns since when no reader has been attached, and the newest sequence at that time;
// 0 and 0 if there has never been one.
func (l *readers) absentSince() (since int64, seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left, l.leftAt
}

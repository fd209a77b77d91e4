package bench

import (
	"bytes"
	"sync"
)

// ByHand is one session's log as a good engineer writes it in an hour: a mutex, a slice that wraps,
// numbers for IDs. It knows neither own IDs nor streams nor bounds on bytes, and nothing expires.
// It is what Reprise has to justify itself against.
type ByHand struct {
	mu     sync.Mutex
	max    int
	last   uint64        // ID of the newest event
	next   int           // place of the next event, once events has grown to max
	events []ByHandEvent // grows to max
	wake   chan struct{} // closed by the next Append; nil while nobody waits
}

// A ByHandEvent is what ByHand stores.
type ByHandEvent struct {
	ID   uint64
	Data []byte
}

// NewByHand returns a log of the newest max events.
func NewByHand(max int) *ByHand { return &ByHand{max: max} }

// Append stores data by reference, so that the caller needs another buffer for its next event, and
// returns its ID.
func (l *ByHand) Append(data []byte) uint64 {
	l.mu.Lock()
	l.last++
	id := l.last
	if len(l.events) < l.max {
		l.events = append(l.events, ByHandEvent{id, data})
	} else {
		l.events[l.next] = ByHandEvent{id, data}
		if l.next++; l.next == l.max {
			l.next = 0
		}
	}
	wake := l.wake
	l.wake = nil
	l.mu.Unlock()
	if wake != nil {
		close(wake)
	}
	return id
}

// AppendCopy stores a copy of data, as Reprise does: the caller encodes its next event into the
// same buffer. This is the fair comparison.
func (l *ByHand) AppendCopy(data []byte) uint64 { return l.Append(bytes.Clone(data)) }

// After appends to dst the events after id, oldest first. It returns false when one of them is gone
// or id is yet to come.
func (l *ByHand) After(dst []ByHandEvent, id uint64) ([]ByHandEvent, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int(l.last - id)
	if id > l.last || n > len(l.events) {
		return dst, false
	}
	start := l.next - n
	if start >= 0 {
		return append(dst, l.events[start:start+n]...), true
	}
	dst = append(dst, l.events[len(l.events)+start:]...)
	return append(dst, l.events[:l.next]...), true
}

// Changed returns a channel that is closed by the next Append, or nil when there are events after
// id already.
func (l *ByHand) Changed(id uint64) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last > id {
		return nil
	}
	if l.wake == nil {
		l.wake = make(chan struct{})
	}
	return l.wake
}

// ByHandStore is the sessions' table that goes with it.
type ByHandStore struct {
	mu       sync.RWMutex
	sessions map[string]*ByHand
}

// NewByHandStore returns an empty table.
func NewByHandStore() *ByHandStore { return &ByHandStore{sessions: make(map[string]*ByHand)} }

// Create makes a session.
func (s *ByHandStore) Create(id string, max int) *ByHand {
	l := NewByHand(max)
	s.mu.Lock()
	s.sessions[id] = l
	s.mu.Unlock()
	return l
}

// Get returns a session, or nil.
func (s *ByHandStore) Get(id string) *ByHand {
	s.mu.RLock()
	l := s.sessions[id]
	s.mu.RUnlock()
	return l
}

// Delete ends a session.
func (s *ByHandStore) Delete(id string) {
	s.mu.Lock()
	delete(s.sessions, id)
	s.mu.Unlock()
}

package fuzz_test

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/reprise-go/reprise/ring"
)

// A plainLog is what design.md says about one session's log: the retained events in a slice.
type plainLog struct {
	limits ring.Config  // none of them 0
	budget *plainBudget // nil: unlimited
	tag    string       // of the IDs that the ring assigns; "" until it has assigned one
	last   uint64
	spent  int64 // what all events ever stored have cost
	live   []ring.Event
	closed bool
	letGo  bool // the events can no longer be read; what is counted stays
}

// A plainBudget is the bytes that all logs of a manager may retain together.
type plainBudget struct {
	share int64       // each log's own
	pool  int64       // what logs that need more than their share have in common
	logs  []*plainLog // those that have not been released
}

// maxSeq is the documented bound of sequence numbers.
const maxSeq = 1<<40 - 1

func cost(e ring.Event) int64 { return int64(e.Size() + ring.Overhead) }

func (l *plainLog) bytes() (n int64) {
	for _, e := range l.live {
		n += cost(e)
	}
	return n
}

func (l *plainLog) first() uint64 { return l.last - uint64(len(l.live)) + 1 }

func (l *plainLog) stats() ring.Stats {
	s := ring.Stats{Events: len(l.live), Bytes: l.bytes(), Last: l.last, Evicted: l.first() - 1}
	if len(l.live) > 0 {
		s.First = l.first()
	}
	return s
}

// find returns the retained event with that ID.
func (l *plainLog) find(id string) (ring.Event, bool) {
	for _, e := range l.live {
		if e.ID == id {
			return e, true
		}
	}
	return ring.Event{}, false
}

// seek returns the position just after id, or the error to expect.
func (l *plainLog) seek(id string) (plainCursor, error) {
	if id == "" {
		return plainCursor{seq: l.first() - 1}, nil
	}
	if e, ok := l.find(id); ok {
		return plainCursor{seq: e.Seq, one: true, stream: e.Stream}, nil
	}
	if n, ok := l.position(id); ok && n <= l.last {
		if n+1 < l.first() {
			return plainCursor{}, ring.ErrEvicted
		}
		return plainCursor{seq: n}, nil
	}
	if n, ok := l.assigned(id); ok && n < l.first() {
		return plainCursor{}, ring.ErrEvicted
	}
	return plainCursor{}, ring.ErrUnknownID
}

// assigned returns the sequence in an ID that this log's ring assigns: <tag>-<sequence>.
func (l *plainLog) assigned(id string) (seq uint64, ok bool) {
	number, ok := strings.CutPrefix(id, l.tag+"-")
	if l.tag == "" || !ok {
		return 0, false
	}
	if _, err := fmt.Sscanf(number, "%d", &seq); err != nil {
		return 0, false
	}
	return seq, seq > 0 && fmt.Sprint(seq) == number
}

// position returns the sequence in the ID of a place in this log: <tag>.<sequence>.
func (l *plainLog) position(id string) (seq uint64, ok bool) {
	number, ok := strings.CutPrefix(id, l.tag+".")
	if l.tag == "" || !ok {
		return 0, false
	}
	_, err := fmt.Sscanf(number, "%d", &seq)
	return seq, err == nil && fmt.Sprint(seq) == number
}

// refuse returns the error that an Append of e gets, but for ErrOverBudget, and the field that an
// ErrInvalidEvent may name.
func (l *plainLog) refuse(e ring.Event) (fields []string, err error) {
	if l.closed {
		return nil, ring.ErrClosed
	}
	if fields = l.invalidFields(e); len(fields) > 0 {
		return fields, ring.ErrInvalidEvent
	}
	if e.Size() > l.limits.MaxEventBytes || cost(e) > int64(l.limits.MaxBytes) {
		return nil, ring.ErrEventTooLarge
	}
	if l.last == maxSeq {
		l.closed = true
		return nil, ring.ErrClosed
	}
	if _, ok := l.find(e.ID); ok && e.ID != "" {
		return nil, ring.ErrDuplicateID
	}
	return nil, nil
}

// store adds e, which has everything assigned, and evicts what must go. It returns false, and does
// nothing, when the budget does not allow e.
func (l *plainLog) store(e ring.Event) bool {
	keep, total := l.live, l.bytes()+cost(e)
	for len(keep) >= l.limits.MaxEvents || len(keep) > 0 && total > int64(l.limits.MaxBytes) || len(keep) > 0 &&
		!l.affords(total) {
		total -= cost(keep[0])
		keep = keep[1:]
	}
	if !l.affords(total) {
		return false
	}
	l.last++
	l.spent += cost(e)
	l.live = append(keep[:len(keep):len(keep)], e)
	return true
}

// affords reports whether the budget lets this log retain n bytes.
func (l *plainLog) affords(n int64) bool {
	if l.budget == nil || n <= l.budget.share || n <= l.bytes() {
		return true
	}
	drawn := n - l.budget.share
	for _, other := range l.budget.logs {
		if other != l {
			drawn += max(0, other.bytes()-l.budget.share)
		}
	}
	return drawn <= l.budget.pool
}

// invalidFields are the fields of e that the ring does not store.
func (l *plainLog) invalidFields(e ring.Event) (fields []string) {
	control := func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }
	edge := func(s string) bool { return s != "" && strings.ContainsAny(s[:1]+s[len(s)-1:], " \t") }
	for name, s := range map[string]string{"ID": e.ID, "Stream": e.Stream, "Type": e.Type} {
		most := 256
		if name == "ID" && l.limits.MaxIDBytes > 0 {
			most = l.limits.MaxIDBytes
		}
		beyond := name == "ID" && l.limits.StrictIDs && strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
		if len(s) > most || beyond || !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") ||
			name == "ID" && (strings.ContainsFunc(s, control) || edge(s)) {
			fields = append(fields, name)
		}
	}
	if y := e.Time.Year(); !e.Time.IsZero() && (y < 1678 || y > 2261) { // what a Unix time in nanoseconds can hold
		fields = append(fields, "Time")
	}
	return fields
}

// A plainCursor is a position in a plainLog.
type plainCursor struct {
	seq    uint64
	one    bool // sees stream alone
	stream string
	gone   bool // overtaken
}

// next returns the event that the cursor yields next.
func (l *plainLog) next(c *plainCursor) (ring.Event, bool) {
	for !c.gone && c.seq < l.last {
		if c.seq+1 < l.first() {
			c.gone = true
			break
		}
		c.seq++
		if e := l.live[c.seq-l.first()]; !c.one || e.Stream == c.stream {
			return e, true
		}
	}
	return ring.Event{}, false
}

func same(a, b ring.Event) bool {
	return a.Seq == b.Seq && a.ID == b.ID && a.Stream == b.Stream && a.Type == b.Type && bytes.Equal(a.Data,
		b.Data) && a.Time.Equal(b.Time)
}

// copied returns e without a view of anybody's memory.
func copied(e ring.Event) ring.Event {
	e.ID, e.Stream, e.Type, e.Data = strings.Clone(e.ID), strings.Clone(e.Stream), strings.Clone(e.Type),
		bytes.Clone(e.Data)
	return e
}

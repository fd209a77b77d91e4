package pebble

import (
	"encoding/binary"
	"slices"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A state is the part of a session that changes. What most appends change of it, and nothing else,
// is in the record of the newest event as well: so an append writes one key, and the state is
// written when something else has changed.
type state struct {
	status   shard.Status
	left     int64 // when the session was no longer active; 0 before
	activity int64 // the last
	attached bool  // readers were open when this was written
	imitated bool  // a producer's ID has had the form of an assigned one
	shared   bool  // two retained events may have one ID, see Writer.Append
	claims   int
	first    uint64 // the oldest retained event; last+1 when there is none
	last     uint64
	bytes    int64 // of the retained ones, with overhead
	runs     runs
	names    runs // of logs in front, see numberedBy
}

// A tally is what an append makes of a session, with the event's own sequence.
type tally struct {
	activity int64
	retained uint64 // events, from this one back; 1 or more
	bytes    int64  // of the retained ones, with overhead
}

func (s *state) tally() tally { return tally{s.activity, s.last + 1 - s.first, s.bytes} }

// size is the length of what append appends.
func (t *tally) size(nano int64) int {
	after := t.activity - nano
	return uvarintLen(uint64(after<<1^after>>63)) + uvarintLen(t.retained) + uvarintLen(uint64(t.bytes))
}

// append appends t, with the activity as what has passed since the time of the event, which is
// little where the event came without one. It may wrap around.
func (t *tally) append(dst []byte, nano int64) []byte {
	dst = binary.AppendVarint(dst, t.activity-nano)
	dst = binary.AppendUvarint(dst, t.retained)
	return binary.AppendUvarint(dst, uint64(t.bytes))
}

func (d *decoder) tally(nano int64) tally {
	return tally{d.varint() + nano, d.uvarint(), int64(d.uvarint())}
}

// isTold reports whether a tally tells all that an append has changed since before.
func (s *state) isTold(before *state) bool {
	return s.imitated == before.imitated && s.shared == before.shared &&
		slices.Equal(s.runs, before.runs) && slices.Equal(s.names, before.names)
}

// follow makes s what it was after its newest event, seq, if that came after s was written. One
// that s knows of came before it, or with it: its tally has nothing that s has not.
func (s *state) follow(seq uint64, t tally) bool {
	if seq < s.last || t.retained == 0 || t.retained > seq || t.bytes < 0 {
		return false
	}
	if seq > s.last {
		s.activity, s.first, s.last, s.bytes = t.activity, seq+1-t.retained, seq, t.bytes
	}
	return true
}

const stateVersion = 3

const (
	flagAttached = 1 << iota
	flagImitated
	flagShared
)

func (s *state) encode() []byte {
	b := make([]byte, 0, 64+len(s.runs)*(runLen+4)+len(s.names)*(tagLen+5))
	var flags byte
	for _, f := range []struct {
		set  bool
		flag byte
	}{{s.attached, flagAttached}, {s.imitated, flagImitated}, {s.shared, flagShared}} {
		if f.set {
			flags |= f.flag
		}
	}
	b = append(b, stateVersion, byte(s.status), flags)
	b = binary.AppendVarint(b, s.left)
	b = binary.AppendVarint(b, s.activity)
	b = binary.AppendUvarint(b, uint64(s.claims))
	b = binary.AppendUvarint(b, s.first)
	b = binary.AppendUvarint(b, s.last)
	b = binary.AppendUvarint(b, uint64(s.bytes))
	b = binary.AppendUvarint(b, uint64(len(s.runs)))
	for _, r := range s.runs {
		b = append(b, r.name...)
		b = binary.AppendUvarint(b, r.first)
	}
	b = binary.AppendUvarint(b, uint64(len(s.names)))
	for _, r := range s.names {
		b = binary.AppendUvarint(b, uint64(len(r.name)))
		b = append(b, r.name...)
		b = binary.AppendUvarint(b, r.first)
	}
	return b
}

func decodeState(key, value []byte) (s state, err error) {
	d := decoder{b: value}
	if d.byte() != stateVersion {
		d.bad = true
	}
	s.status = shard.Status(d.byte())
	flags := d.byte()
	s.attached, s.imitated, s.shared = flags&flagAttached != 0, flags&flagImitated != 0, flags&flagShared != 0
	s.left, s.activity = d.varint(), d.varint()
	s.claims = int(d.uvarint())
	s.first, s.last, s.bytes = d.uvarint(), d.uvarint(), int64(d.uvarint())
	for n := d.length(); n > 0; n-- {
		s.runs = append(s.runs, run{string(d.take(runLen)), d.uvarint()})
	}
	for n := d.length(); n > 0; n-- {
		s.names = append(s.names, run{d.string(), d.uvarint()})
	}
	if len(s.runs) == 0 || s.first == 0 || s.first > s.last+1 || s.status > shard.Expired || len(d.b) > 0 {
		d.bad = true
	}
	return s, d.check(key)
}

// isEnded reports whether the session has ended; a finished one has not.
func (s *state) isEnded() bool { return s.status > shard.Finished }

func (s *state) stats() ring.Stats {
	if s.isEnded() {
		return ring.Stats{}
	}
	log := ring.Stats{Events: int(s.last + 1 - s.first), Bytes: s.bytes, First: s.first, Last: s.last,
		Evicted: s.first - 1}
	if log.Events == 0 {
		log.First = 0
	}
	return log
}

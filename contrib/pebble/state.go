package pebble

import (
	"encoding/binary"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A state is the part of a session that changes all the time. It is written with every append.
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

const stateVersion = 2

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

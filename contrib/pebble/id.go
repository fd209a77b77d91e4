package pebble

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// An assigned ID is `<tag><run>-<sequence>`, and the ID of a place `<tag><run>.<sequence>`. The tag
// is the session's own. The run is a new one whenever the session is appended to for the first time
// since the directory was opened: events that were not on disk when the machine failed have taken
// their sequences with them, and the ones that get these numbers next must have other IDs.
const (
	tagLen = 12
	runLen = 6
)

func randomText(n int) string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[rand.Uint32()&31]
	}
	return string(b)
}

// A run is the sequences from first on, up to the first of the next run.
type run struct {
	name  string
	first uint64
}

// runs are a session's, in order: those that have retained events, the one before these, and the
// newest. A slice of them is never changed once it is in a session.
type runs []run

// of returns the run that seq belongs to. What comes before the first run known belongs to that;
// where there is no run, that is one without a name.
func (rs runs) of(seq uint64) run {
	for i := len(rs) - 1; i > 0; i-- {
		if rs[i].first <= seq {
			return rs[i]
		}
	}
	if len(rs) == 0 {
		return run{}
	}
	return rs[0]
}

// with returns rs with another run, and without those that end before sequence retained.
func (rs runs) with(next run, retained uint64) runs {
	kept := rs
	for len(kept) > 1 && kept[1].first < retained {
		kept = kept[1:]
	}
	if n := len(kept); n > 0 && kept[n-1].first == next.first { // a run without an event
		kept = kept[:n-1]
	}
	return append(append(make(runs, 0, len(kept)+1), kept...), next)
}

// A log in front of the Store numbers its events too: `<name>-<sequence>`. An event that a Writer
// brings under such an ID is stored without it, and is in no index. The state has the names, as
// runs.
const (
	maxNameLen = 32
	maxNames   = 8 // runs of them: what exceeds that is stored like any ID of a producer's own
)

// numberedBy returns the name in an ID that is `<name>-<seq>`.
func numberedBy(id string, seq uint64) (name string, ok bool) {
	var buf [20]byte
	digits := strconv.AppendUint(buf[:0], seq, 10)
	n := len(id) - len(digits) - 1
	if n < 1 || n > maxNameLen || id[n] != '-' || id[n+1:] != string(digits) {
		return "", false
	}
	return id[:n], true
}

// parseNumbered takes apart an ID that a log in front may have given.
func parseNumbered(id string) (name string, seq uint64, ok bool) {
	n := strings.LastIndexByte(id, '-')
	if n < 1 || n > maxNameLen || id[n+1:] == "" || id[n+1] < '1' || id[n+1] > '9' {
		return "", 0, false
	}
	seq, err := strconv.ParseUint(id[n+1:], 10, 64)
	return id[:n], seq, err == nil
}

func numberedID(r run, seq uint64) string { return r.name + "-" + strconv.FormatUint(seq, 10) }

// numbered returns the sequence of the retained event to which a log in front has given id, if it
// has.
func (s *state) numbered(id string) (seq uint64, ok bool) {
	name, seq, ok := parseNumbered(id)
	return seq, ok && seq >= s.first && seq <= s.last && s.names.of(seq).name == name
}

// number makes name that of the log in front from sequence seq on, if there is room for it.
func (s *state) number(name string, seq uint64) bool {
	if n := len(s.names); n > 0 && s.names[n-1].name == name {
		return true
	}
	names := s.names.with(run{name, seq}, s.first)
	if len(names) > maxNames {
		return false
	}
	names[len(names)-1].name = strings.Clone(name)
	s.names = names
	return true
}

func assignedID(tag string, r run, seq uint64) string {
	return tag + r.name + "-" + strconv.FormatUint(seq, 10)
}

func positionID(tag string, r run, seq uint64) string {
	return tag + r.name + "." + strconv.FormatUint(seq, 10)
}

// isOwn reports whether an ID has the form of those that the session with this tag gives, so that
// one of its producer's may be in the way.
func isOwn(tag, id string) bool { return len(id) > tagLen+runLen && strings.HasPrefix(id, tag) }

// parseOwn takes apart an ID that the session with this tag may have given to an event ('-') or a
// place ('.').
func parseOwn(tag, id string) (name string, kind byte, seq uint64, ok bool) {
	if !isOwn(tag, id) {
		return "", 0, 0, false
	}
	name, kind, digits := id[tagLen:tagLen+runLen], id[tagLen+runLen], id[tagLen+runLen+1:]
	if kind != '-' && kind != '.' || digits == "" || digits[0] == '0' && digits != "0" || strings.Trim(digits,
		"0123456789") != "" {
		return "", 0, 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	return name, kind, seq, err == nil
}

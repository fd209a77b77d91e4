package fuzz_test

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/reprise-go/reprise/ring"
)

// A logCall is one call on a ring, as a history has it.
type logCall struct {
	method  string
	id      string     // Append, Seek
	stream  string     // Append, Next of a cursor that sees one stream
	payload string     // Append
	one     bool       // Next: the cursor sees one stream
	seq     uint64     // Next: where the cursor is; Wait
	batch   *[]logCall // AppendAll
}

// A logAnswer is what a call returned.
type logAnswer struct {
	seq       uint64 // of the event, or of the cursor
	id        string
	payload   string
	more      bool // Next
	err       error
	ringStats ring.Stats
	batch     *[]logAnswer // AppendAll
}

// A logState is all events that a log ever had, and which of them it retains. It is never changed.
type logState struct {
	before  uint64 // the sequence before the first event
	events  []logCall
	ids     []string // of the events, assigned ones included
	evicted int
	tag     string
	closed  bool
	hash    uint64
}

func (s logState) last() uint64  { return s.before + uint64(len(s.events)) }
func (s logState) first() uint64 { return s.before + uint64(s.evicted) + 1 }

// held returns the retained event with that ID, 0 if there is none.
func (s logState) held(id string) uint64 {
	if i := slices.Index(s.ids[s.evicted:], id); i >= 0 {
		return s.first() + uint64(i)
	}
	return 0
}

func (s logState) event(seq uint64) logCall { return s.events[seq-s.before-1] }
func (s logState) id(seq uint64) string     { return s.ids[seq-s.before-1] }

func (s logState) bytes() (n int) {
	for i := s.evicted; i < len(s.events); i++ {
		e := s.events[i]
		n += len(s.ids[i]) + len(e.stream) + len(e.payload) + ring.Overhead
	}
	return n
}

var logSeed = maphash.MakeSeed()

// with returns the state with one more event, and without those that it evicts.
func (s logState) with(e logCall, id string, limits ring.Config) logState {
	s.events = append(s.events[:len(s.events):len(s.events)], e)
	s.ids = append(s.ids[:len(s.ids):len(s.ids)], id)
	s.hash = s.hash*31 + maphash.String(logSeed, e.payload)
	for len(s.events)-s.evicted > limits.MaxEvents || s.bytes() > limits.MaxBytes && len(s.events)-s.evicted > 1 {
		s.evicted++
	}
	return s
}

// ringModel is what a ring with these limits may answer. Its sequences begin after before.
func ringModel(limits ring.Config, before uint64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return logState{before: before} },
		Step: func(state, input, output any) (bool, any) {
			return ringStep(state.(logState), input.(logCall), output.(logAnswer), limits)
		},
		Equal: func(a, b any) bool {
			x, y := a.(logState), b.(logState)
			return x.hash == y.hash && x.closed == y.closed && x.evicted == y.evicted && x.tag == y.tag &&
				slices.Equal(x.ids, y.ids) &&
				slices.Equal(x.events, y.events)
		},
		Hash: func(state any) uint64 { return state.(logState).hash },
		DescribeOperation: func(input, output any) string {
			return input.(logCall).String() + " → " + output.(logAnswer).String()
		},
		DescribeState: func(state any) string { return state.(logState).String() },
	}
}

func ringStep(s logState, call logCall, got logAnswer, limits ring.Config) (bool, logState) {
	switch call.method {
	case "Append":
		return appendStep(s, call, got, limits)
	case "AppendAll":
		return batchStep(s, *call.batch, *got.batch, got.err, limits)
	case "Seek":
		return got == seekAnswer(s, call.id), s
	case "Next":
		return nextAllowed(s, call, got), s
	case "Tail":
		return got.seq == s.last(), s
	case "Wait":
		switch {
		case s.last() > call.seq:
			return got.err == nil, s
		case s.closed:
			return got.err == ring.ErrClosed, s
		}
		return got.err == errStillWaiting, s
	case "Stats":
		want := ring.Stats{Events: len(s.events) - s.evicted, Bytes: int64(s.bytes()), Last: s.last(),
			Evicted: s.first() - 1}
		if want.Events > 0 {
			want.First = s.first()
		}
		return got.ringStats == want, s
	}
	s.closed = true
	return call.method == "Close", s
}

func appendStep(s logState, call logCall, got logAnswer, limits ring.Config) (bool, logState) {
	if s.closed || s.last() == maxSeq {
		s.closed = true
		return got.err == ring.ErrClosed, s
	}
	if call.id != "" {
		if seq := s.held(call.id); seq > 0 {
			return got == logAnswer{seq: seq, id: call.id, payload: s.event(seq).payload, err: ring.ErrDuplicateID}, s
		}
	}
	if got.err != nil || got.seq != s.last()+1 || got.payload != call.payload || call.id != "" && got.id != call.id {
		return false, s
	}
	if call.id == "" {
		tag, _, _ := strings.Cut(got.id, "-")
		usual := fmt.Sprintf("%s-%d", tag, got.seq)
		taken := s.held(usual) > 0
		if s.tag != "" && tag != s.tag || taken == (got.id == usual) || s.held(got.id) > 0 {
			return false, s
		}
		s.tag = tag
	}
	return true, s.with(call, got.id, limits)
}

func seekAnswer(s logState, id string) logAnswer {
	if id == "" {
		return logAnswer{seq: s.first() - 1}
	}
	if seq := s.held(id); seq > 0 {
		return logAnswer{seq: seq}
	}
	log := plainLog{tag: s.tag}
	if n, ok := log.assigned(id); ok && n < s.first() {
		return logAnswer{err: ring.ErrEvicted}
	}
	return logAnswer{err: ring.ErrUnknownID}
}

// nextAllowed says what a cursor may answer. One that steps over events of other streams does that
// one at a time: each has been retained when it was looked at, and what counts is the moment of the
// last one.
func nextAllowed(s logState, call logCall, got logAnswer) bool {
	end := got.seq
	if got.more {
		end--
	}
	if got.seq < call.seq || got.seq > s.last() {
		return false
	}
	for seq := call.seq + 1; seq <= end; seq++ {
		if !call.one || s.event(seq).stream == call.stream {
			return false // an event was left out
		}
	}
	switch {
	case got.more:
		return got.seq >= s.first() && got.id == s.id(got.seq) && got.payload == s.event(got.seq).payload &&
			(!call.one || s.event(got.seq).stream == call.stream)
	case got.err != nil:
		return got.err == ring.ErrEvicted && got.seq+1 < s.first()
	}
	return got.seq == s.last()
}

func (c logCall) String() string {
	switch c.method {
	case "Append", "":
		return fmt.Sprintf("Append(%q, stream %q, %.8q)", c.id, c.stream, c.payload)
	case "Seek":
		return fmt.Sprintf("Seek(%q)", c.id)
	case "AppendAll":
		return fmt.Sprintf("AppendAll%v", *c.batch)
	case "Next":
		if c.one {
			return fmt.Sprintf("Next after %d on %q", c.seq, c.stream)
		}
		return fmt.Sprintf("Next after %d", c.seq)
	case "Wait":
		return fmt.Sprintf("Wait(%d)", c.seq)
	}
	return c.method + "()"
}

func (a logAnswer) String() string {
	s := fmt.Sprint(a.seq)
	if a.batch != nil {
		s = fmt.Sprint(*a.batch)
	}
	if a.id != "" {
		s += fmt.Sprintf(" %q %.8q", a.id, a.payload)
	}
	if a.ringStats != (ring.Stats{}) {
		s += fmt.Sprintf(" %+v", a.ringStats)
	}
	if a.err != nil {
		s += " " + a.err.Error()
	}
	return s
}

func (s logState) String() string {
	text := fmt.Sprintf("retains %d to %d: %q", s.first(), s.last(), s.ids[s.evicted:])
	if s.closed {
		text += ", closed"
	}
	return text
}

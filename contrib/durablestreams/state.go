package durablestreams

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/reprise-go/reprise/ring"
)

// How a stream lies in a session's log.
//
// A message is an event of the default stream. Its ID is the number of messages up to it, so
// message n+1 can be stored once only: of two writers that both know n messages, in one process or
// in two, one is refused with ring.ErrDuplicateID, learns what the other has stored, and starts
// again. Whoever appends therefore knows everything that was stored before.
//
// A record is an event of the stream named below. It is appended in one batch with the messages
// that it belongs to. The state of a stream is what all its records say together, in whatever order
// they come: nothing in a record takes back what another says. A record that closes a stream
// without a message has the ID that the next message would have had.
//
// Messages and records are dropped when the log is full. So that no state is lost with them, a
// record says everything, and not only what is new, once a quarter of the log has been filled since
// the last one that did.
const recordStream = "durable-streams"

// maxProducers bounds how many producers a stream remembers; the ones that appended last stay.
const maxProducers = 1000

// A producer is what is known of an idempotent producer (section 5.2.1): its epoch, and the highest
// sequence number in it.
type producer struct {
	ID    string `json:"id"`
	Epoch int64  `json:"epoch"`
	Seq   int64  `json:"seq"`
}

func (p producer) isAfter(q producer) bool {
	return p.Epoch > q.Epoch || p.Epoch == q.Epoch && p.Seq > q.Seq
}

// A fork is a stream that was made from this one.
type fork struct {
	Session     string `json:"session"`
	Incarnation string `json:"incarnation"`
}

type record struct {
	Tail      offset     `json:"tail"` // the offset after the messages of its batch
	Full      bool       `json:"full,omitempty"`
	Producers []producer `json:"producers,omitempty"`
	StreamSeq *string    `json:"streamSeq,omitempty"`
	Closed    bool       `json:"closed,omitempty"`
	ClosedBy  *producer  `json:"closedBy,omitempty"`
	Forks     []fork     `json:"forks,omitempty"`
	Deleted   bool       `json:"deleted,omitempty"`
}

// state is what the log says beside the messages.
type state struct {
	tail      offset
	producers map[string]producer
	order     []string // IDs of producers, the one that appended last at the end
	streamSeq *string
	closed    bool
	closedBy  *producer
	forks     map[fork]struct{}
	deleted   bool
	unsaved   ring.Stats // events and bytes since the last full record
}

// add takes in an event of the log.
func (s *state) add(e *ring.Event) error {
	s.unsaved.Events++
	s.unsaved.Bytes += int64(e.Size() + ring.Overhead)
	if e.Stream != recordStream {
		n, ok := parseEventID(e.ID)
		if e.Stream != "" || !ok {
			return fmt.Errorf("durablestreams: event %q of stream %q is no message", e.ID, e.Stream)
		}
		s.tail = max(s.tail, n)
		return nil
	}
	var r record
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return fmt.Errorf("durablestreams: record %q: %w", e.ID, err)
	}
	s.merge(&r)
	return nil
}

func (s *state) merge(r *record) {
	s.tail = max(s.tail, r.Tail)
	for _, p := range r.Producers {
		s.setProducer(p)
	}
	if r.StreamSeq != nil && (s.streamSeq == nil || *r.StreamSeq > *s.streamSeq) {
		s.streamSeq = r.StreamSeq
	}
	if r.Closed {
		s.closed = true
		if r.ClosedBy != nil {
			s.closedBy = r.ClosedBy
		}
	}
	for _, f := range r.Forks {
		if s.forks == nil {
			s.forks = make(map[fork]struct{})
		}
		s.forks[f] = struct{}{}
	}
	s.deleted = s.deleted || r.Deleted
	if r.Full {
		s.unsaved = ring.Stats{}
	}
}

func (s *state) setProducer(p producer) {
	old, known := s.producers[p.ID]
	if known && !p.isAfter(old) {
		return
	}
	if s.producers == nil {
		s.producers = make(map[string]producer)
	}
	s.producers[p.ID] = p
	for i, id := range s.order {
		if known && id == p.ID {
			s.order = append(s.order[:i], s.order[i+1:]...)
			break
		}
	}
	s.order = append(s.order, p.ID)
	if len(s.order) > maxProducers {
		delete(s.producers, s.order[0])
		s.order = s.order[1:]
	}
}

// fill makes r say everything if that is due: when the log may drop what earlier records say.
func (s *state) fill(r *record, limits ring.Config) *record {
	due := s.unsaved.Events >= limits.MaxEvents/4 || s.unsaved.Bytes >= int64(limits.MaxBytes/4)
	if !due || r == nil && s.isPlain() {
		return r
	}
	if r == nil {
		r = new(record)
	}
	r.Full = true
	all := make([]producer, 0, len(s.order)+len(r.Producers))
	for _, id := range s.order {
		all = append(all, s.producers[id])
	}
	r.Producers = append(all, r.Producers...)
	if r.StreamSeq == nil {
		r.StreamSeq = s.streamSeq
	}
	for f := range s.forks {
		r.Forks = append(r.Forks, f)
	}
	r.Closed, r.Deleted = r.Closed || s.closed, r.Deleted || s.deleted
	return r
}

// isPlain reports whether there is nothing to say in a record.
func (s *state) isPlain() bool {
	return len(s.order) == 0 && s.streamSeq == nil && !s.closed && len(s.forks) == 0 && !s.deleted
}

// batch appends messages and their record to events, as the events that follow tail. Messages, and
// a record that closes, begin with the ID of the next message: whoever does not know everything
// before it is refused.
func batch(events []ring.Event, tail offset, messages [][]byte, r *record) []ring.Event {
	if len(messages) == 1 && r == nil {
		return append(events, ring.Event{ID: (tail + 1).eventID(), Data: messages[0]})
	}
	events = slices.Grow(events, len(messages)+1)
	ids := make([]byte, offsetDigits*len(messages)) // one string for all
	for i := range messages {
		(tail + 1 + offset(i)).digits(ids[offsetDigits*i:][:offsetDigits])
	}
	all := string(ids)
	for i, m := range messages {
		events = append(events, ring.Event{ID: all[offsetDigits*i:][:offsetDigits], Data: m})
	}
	if r != nil {
		r.Tail = tail + offset(len(messages))
		e := r.event()
		if len(messages) == 0 && r.Closed {
			e.ID = (tail + 1).eventID()
		}
		events = append(events, e)
	}
	return events
}

func (r *record) event() ring.Event {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, integers and booleans
	}
	return ring.Event{Stream: recordStream, Data: data}
}

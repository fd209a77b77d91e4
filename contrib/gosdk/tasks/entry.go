package tasks

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/reprise-go/reprise/ring"
)

// The types of a task's events.
const (
	EventWorking   = "working"        // from the tool: the task has begun, or goes on after an answer
	EventProgress  = "progress"       // from the tool
	EventOutput    = "output"         // from the tool: a partial result
	EventInput     = "input_required" // from the tool: it asks the client something
	EventAnswer    = "answer"         // from the client: the answer to one question
	EventCancel    = "cancel"         // from the client
	EventCompleted = "completed"      // the last: the tool's result
	EventFailed    = "failed"         // the last: a JSON-RPC error, and why
	EventCancelled = "cancelled"      // the last
)

// IDs of events of which a task has one at most. The Store sees to it.
const (
	idEnd    = "end"
	idCancel = "cancel"
	idAnswer = "answer "
)

// Statuses of a task, as the extension has them.
const (
	statusWorking = "working"
	statusInput   = "input_required"
)

// An Entry is what the Data of a task's event holds, as JSON. Which fields an event has is said by
// its type.
//
// What the tool says (working, progress, output, input_required) always holds the whole state, so
// that the newest such event is enough to know it: StatusMessage as it is now, and InputRequests
// that were not answered when it was written.
type Entry struct {
	StatusMessage string                     `json:"statusMessage,omitempty"`
	InputRequests map[string]json.RawMessage `json:"inputRequests,omitempty"`
	Progress      *Progress                  `json:"progress,omitempty"` // progress
	Content       json.RawMessage            `json:"content,omitempty"`  // output: an array of MCP's content
	Key           string                     `json:"key,omitempty"`      // answer: of the question
	Answer        json.RawMessage            `json:"answer,omitempty"`   // answer
	Result        json.RawMessage            `json:"result,omitempty"`   // completed: of the call
	Error         *jsonrpc.Error             `json:"error,omitempty"`    // failed
}

// Progress is how far a task has come, as in MCP's progress notifications.
type Progress struct {
	Progress float64 `json:"progress"`
	Total    float64 `json:"total,omitempty"`
	Message  string  `json:"message,omitempty"`
}

// event is the event that holds e.
func (e Entry) event(typ, id string) (ring.Event, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return ring.Event{}, fmt.Errorf("tasks: an event of type %q: %w", typ, err)
	}
	return ring.Event{ID: id, Type: typ, Data: data}, nil
}

// A state is what a task's log says, event after event.
type state struct {
	facts
	id        string
	status    string
	updated   time.Time
	last      uint64                     // sequence of the newest event
	latest    Entry                      // of what the tool said last
	answers   map[string]json.RawMessage // by key
	cancelled bool                       // it was asked to
	end       Entry
}

func newState(id string, f facts) *state {
	return &state{facts: f, id: id, status: statusWorking, updated: f.Created, answers: map[string]json.RawMessage{}}
}

// ended reports whether the task is in a terminal status.
func (s *state) ended() bool { return s.status != statusWorking && s.status != statusInput }

// apply takes the next event in. The first that ends a task counts, and nothing after it.
func (s *state) apply(e ring.Event) error {
	var entry Entry
	if err := json.Unmarshal(e.Data, &entry); err != nil {
		return fmt.Errorf("tasks: event %d of task %.64q, of type %q: %w", e.Seq, s.id, e.Type, err)
	}
	s.last = e.Seq
	if s.ended() {
		return nil
	}
	switch e.Type {
	case EventWorking, EventProgress, EventOutput, EventInput:
		s.latest = entry
	case EventAnswer:
		if s.answers[entry.Key] == nil {
			s.answers[entry.Key] = entry.Answer
		}
	case EventCancel:
		s.cancelled = true
		return nil
	case EventCompleted, EventFailed, EventCancelled:
		s.status, s.end = e.Type, entry
	default:
		return nil // of a later version
	}
	if e.Time.After(s.updated) { // clocks of processes differ
		s.updated = e.Time
	}
	if !s.ended() {
		s.status = statusWorking
		if len(s.outstanding()) > 0 {
			s.status = statusInput
		}
	}
	return nil
}

// outstanding are the questions without an answer.
func (s *state) outstanding() map[string]json.RawMessage {
	open := maps.Clone(s.latest.InputRequests)
	maps.DeleteFunc(open, func(key string, _ json.RawMessage) bool { return s.answers[key] != nil })
	return open
}

// message is the statusMessage.
func (s *state) message() string {
	if s.ended() {
		return s.end.StatusMessage
	}
	return s.latest.StatusMessage
}

package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

var (
	eventEnd  = []byte("\n\n")
	dataField = []byte("data: ")
)

// A subscription is the SDK's response to subscriptions/listen, with status notifications added. It
// tells the SDK's events apart: the acknowledgement gets the tasks that were agreed to, and the
// result waits until there is nothing left to say of these.
type subscription struct {
	http.ResponseWriter
	id       json.RawMessage
	cancel   context.CancelFunc
	follow   func() []string // starts the watchers
	watchers sync.WaitGroup

	partial []byte // of an event of the SDK's; the SDK's goroutine alone

	mu     sync.Mutex // for what is written, and what follows
	result []byte     // the SDK's last event, kept back
}

// Unwrap lets http.ResponseController set deadlines.
func (s *subscription) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// FlushError is what http.ResponseController calls.
func (s *subscription) FlushError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return http.NewResponseController(s.ResponseWriter).Flush()
}

// Write takes a piece of the SDK's response.
func (s *subscription) Write(p []byte) (int, error) {
	if !strings.HasPrefix(s.Header().Get("Content-Type"), "text/event-stream") { // a refusal
		return s.ResponseWriter.Write(p)
	}
	s.partial = append(s.partial, p...)
	for {
		i := bytes.Index(s.partial, eventEnd)
		if i < 0 {
			return len(p), nil
		}
		event := slices.Clone(s.partial[:i+len(eventEnd)])
		s.partial = slices.Delete(s.partial, 0, len(event))
		if err := s.pass(event); err != nil {
			return 0, err
		}
	}
}

// pass handles one event of the SDK's. The watchers that an acknowledgement starts wait for it to
// be written, for mu is held.
func (s *subscription) pass(event []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	head, data, _ := bytes.Cut(event, dataField)
	var m struct {
		Method string          `json:"method"`
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	json.Unmarshal(data, &m) // of what is no message, nothing is known
	switch {
	case m.Method == notificationAck:
		changed, err := acknowledge(data, s.follow())
		if err != nil {
			return err
		}
		event = slices.Concat(head, dataField, changed, eventEnd)
	case m.Result != nil:
		s.result = event
		return nil
	case m.Error != nil:
		s.cancel()
	}
	return s.write(event)
}

// write writes an event. The caller holds mu.
func (s *subscription) write(event []byte) error {
	_, err := s.ResponseWriter.Write(event)
	return err
}

// notify writes what has become of a task.
func (s *subscription) notify(i *info) error {
	type params struct {
		Meta map[string]json.RawMessage `json:"_meta"`
		*info
	}
	data, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": notificationStatus,
		"params": params{map[string]json.RawMessage{mcp.MetaKeySubscriptionID: s.id}, i}})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(slices.Concat([]byte("event: message\n"), dataField, data, eventEnd)); err != nil {
		s.cancel()
		return err
	}
	return http.NewResponseController(s.ResponseWriter).Flush()
}

// finish ends the response when the SDK has: the result comes last.
func (s *subscription) finish() {
	s.watchers.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.result != nil {
		s.write(s.result)
	}
}

// acknowledge adds IDs to an acknowledgement.
func acknowledge(data []byte, ids []string) ([]byte, error) {
	var m, params, agreed map[string]json.RawMessage
	err := json.Unmarshal(data, &m)
	if err == nil {
		err = json.Unmarshal(m["params"], &params)
	}
	if err == nil {
		err = json.Unmarshal(params["notifications"], &agreed)
	}
	if err != nil {
		return nil, err
	}
	agreed["taskIds"], _ = json.Marshal(ids)
	params["notifications"], _ = json.Marshal(agreed)
	m["params"], _ = json.Marshal(params)
	return json.Marshal(m)
}

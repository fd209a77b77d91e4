// Package jsonrpc reads what the MCP adapters must know of JSON-RPC 2.0 messages, and writes the
// few that they answer with themselves.
package jsonrpc

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Codes of section 5.1 of the JSON-RPC 2.0 specification.
const (
	InvalidRequest = -32600
	InternalError  = -32603
)

// MaxID is how long an ID may be, in bytes of JSON, to be repeated in an answer of ours.
const MaxID = 4 << 10

// A Message is a request, a notification or a response.
type Message struct {
	Method string          // "": a response
	ID     json.RawMessage // nil: a notification
	Params json.RawMessage
}

// IsRequest reports whether somebody waits for an answer.
func (m Message) IsRequest() bool { return m.Method != "" && m.ID != nil }

// Parse returns the messages of a body: one, or those of a batch. It reports false for what is not
// JSON of that form. Names of members are told apart by case, and of two with one name the last
// counts, as MCP's SDKs have it.
func Parse(body []byte) ([]Message, bool) {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 || body[0] != '[' {
		m, ok := parseOne(body)
		return []Message{m}, ok
	}
	var batch []json.RawMessage
	if json.Unmarshal(body, &batch) != nil {
		return nil, false
	}
	messages := make([]Message, len(batch))
	for i, raw := range batch {
		var ok bool
		if messages[i], ok = parseOne(raw); !ok {
			return nil, false
		}
	}
	return messages, true
}

func parseOne(raw []byte) (m Message, ok bool) {
	var members map[string]json.RawMessage // a struct's fields would match whatever their case
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return m, false
	}
	if method, named := members["method"]; named && json.Unmarshal(method, &m.Method) != nil {
		return m, false
	}
	if id := members["id"]; id != nil && string(id) != "null" {
		m.ID = id
	}
	m.Params = members["params"]
	return m, true
}

// Key is an ID in a form in which equal IDs are equal: 1 and 1.0, "a" and its escaped spelling, but
// not 1 and "1".
func Key(id json.RawMessage) string {
	var v any
	if json.Unmarshal(id, &v) != nil {
		return string(id)
	}
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case float64:
		if n, err := strconv.ParseInt(string(id), 10, 64); err == nil { // exact beyond 2^53 too
			return strconv.FormatInt(n, 10)
		}
		if n := int64(v); float64(n) == v {
			return strconv.FormatInt(n, 10)
		}
	}
	return string(id)
}

// Error is a response that tells of an error. An ID over MaxID bytes, or none, is null.
func Error(id json.RawMessage, code int, message string) []byte {
	if len(id) == 0 || len(id) > MaxID {
		id = json.RawMessage("null")
	}
	type failure struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	data, err := json.Marshal(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   failure         `json:"error"`
	}{"2.0", id, failure{code, message}})
	if err != nil { // an ID that is no JSON
		return Error(nil, code, message)
	}
	return data
}

// Lost is what stands, in a replay, for a message that could not be stored: an error for the
// request that it would have answered, or else a log message (notifications/message, in MCP since
// 2024-11-05) that says so. What is empty is left empty.
func Lost(message []byte, why string) []byte {
	if len(message) == 0 {
		return nil
	}
	m, ok := parseOne(message)
	if ok && m.Method == "" && m.ID != nil && len(m.ID) <= MaxID {
		return Error(m.ID, InternalError, "the answer was lost with the connection: "+why)
	}
	what := "a message"
	if len(m.Method) > 0 && len(m.Method) <= 100 {
		what = m.Method
	}
	type params struct {
		Level  string `json:"level"`
		Logger string `json:"logger"`
		Data   string `json:"data"`
	}
	data, err := json.Marshal(struct {
		Version string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  params `json:"params"`
	}{"2.0", "notifications/message", params{"warning", "reprise", what + " was lost with the connection: " + why}})
	if err != nil { // cannot happen: strings alone
		return nil
	}
	return data
}

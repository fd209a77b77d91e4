// Package sse is a client of server-sent events for tests: what a browser does, step by step.
package sse

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

// An Event is one event as it came.
type Event struct{ ID, Type, Data string }

// A Stream is one response. One goroutine reads it.
type Stream struct {
	Status int
	LastID string // of the last whole event, or what Open was given
	lines  *bufio.Scanner
}

// Open makes a request on a connection of its own, which ends with the test.
func Open(t testing.TB, url, lastEventID string) *Stream {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &Stream{Status: resp.StatusCode, LastID: lastEventID, lines: bufio.NewScanner(resp.Body)}
}

// Next returns the next event that has data, or false when the stream has ended or is broken.
func (s *Stream) Next() (e Event, ok bool) {
	data := false
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case s.lines.Text() == "" && data:
			s.LastID = e.ID
			return e, true
		case field == "id":
			e.ID = value
		case field == "event":
			e.Type = value
		case field == "data" && data:
			e.Data += "\n" + value
		case field == "data":
			e.Data, data = value, true
		}
	}
	return Event{}, false
}

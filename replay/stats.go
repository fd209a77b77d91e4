package replay

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// HandlerStats describe what a [Handler] has done since it was made.
type HandlerStats struct {
	Open int // streams open now

	Streams   uint64 // streams begun, ever
	Resumed   uint64 // of these, begun after a Last-Event-ID without a gap
	Slow      uint64 // of these, ended because one write took longer than WriteTimeout
	Overtaken uint64 // of these, ended because events were dropped before they could be read (GapError)

	Events uint64 // events written to streams
	Bytes  uint64 // bytes written to streams: events, comments and retry times
	Gaps   uint64 // events of type "gap" written to streams (GapFromOldest); not among Events

	// Answers counts the requests that were answered without a stream, by HTTP status: the refusals, 204 for a DELETE that has terminated its
	// session and for a GET of a finished session that the client has read to its end, 503 also where RetryOnError made it something else. Every status
	// that a Handler gives has an entry.
	Answers map[int]uint64
}

// Stats returns what has been counted so far. A stream pays for it with two additions for each write, which serves any number of events. It may be called
// at any time; what is written meanwhile may be in some fields and not yet in others.
func (h *Handler) Stats() HandlerStats {
	c := &h.counters
	st := HandlerStats{
		Open:      int(c.open.Load()),
		Streams:   c.streams.Load(),
		Resumed:   c.resumed.Load(),
		Slow:      c.slow.Load(),
		Overtaken: c.overtaken.Load(),
		Events:    c.events.Load(),
		Bytes:     c.bytes.Load(),
		Gaps:      c.gaps.Load(),
		Answers:   make(map[int]uint64, len(answerStatuses)),
	}
	for i, status := range answerStatuses {
		st.Answers[status] = c.answers[i].Load()
	}
	return st
}

// answerStatuses are all that a Handler answers with beside a stream.
var answerStatuses = [...]int{
	http.StatusNoContent, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusNotAcceptable, http.StatusConflict, http.StatusGone, http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// counters are what Stats reads. Streams add to them when they write, begin and end.
type counters struct {
	_                   [128]byte // apart from the fields that streams read
	open                atomic.Int64
	streams, resumed    atomic.Uint64
	slow, overtaken     atomic.Uint64
	events, bytes, gaps atomic.Uint64
	answers             [len(answerStatuses)]atomic.Uint64
	_                   [128]byte
}

func (c *counters) countAnswer(status int) {
	for i, s := range answerStatuses {
		if s == status {
			c.answers[i].Add(1)
		}
	}
}

// begin counts the stream as open; end undoes that, and counts why it ended.
func (c *counters) begin(s *stream) {
	c.open.Add(1)
	c.streams.Add(1)
	if s.at.LastEventID != "" && s.gaps == 0 {
		c.resumed.Add(1)
	}
}

func (c *counters) end(s *stream, err error) {
	c.open.Add(-1)
	switch {
	case s.slow:
		c.slow.Add(1)
	case errors.Is(err, ring.ErrEvicted) && s.h.OnGap == GapError:
		c.overtaken.Add(1)
	}
}

// wrote counts a write of the stream's whole buffer.
func (c *counters) wrote(s *stream) {
	c.bytes.Add(uint64(len(s.buf)))
	if s.encoded > 0 {
		c.events.Add(uint64(s.encoded))
	}
	if s.gaps > 0 {
		c.gaps.Add(uint64(s.gaps))
	}
	s.encoded, s.gaps = 0, 0
}

// writeFailed notes whether a write that failed had used up its time. The error does not tell: over HTTP/2 a deadline resets the stream.
func (s *stream) writeFailed(err error) error {
	s.slow = s.writeTimeout >= 0 && time.Since(s.written) >= s.writeTimeout
	return err
}

package replay

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/reprise-go/reprise/ring"
)

// HandlerStats describe what a [Handler] has done since it was made.
type HandlerStats struct {
	Open int // streams open now

	Streams   uint64 // streams begun, ever
	Resumed   uint64 // of these, begun after a Last-Event-ID without a gap
	Truncated uint64 // of these, begun without one, for everything, when the session's first events were gone already
	Slow      uint64 // of these, ended because 64 KiB took longer than WriteTimeout
	Overtaken uint64 // of these, ended because events were dropped before they could be read (GapError)
	Replaced  uint64 // of these, ended because a newer reader took over (Exclusive)

	Events uint64 // events written to streams
	Bytes  uint64 // bytes written to streams: events, comments and retry times
	Gaps   uint64 // events of type "gap" written to streams (GapFromOldest); not among Events

	// Answers counts the requests that were answered without a stream, by HTTP status: the
	// refusals, 204 for a DELETE that has terminated its session and for a GET of a finished
	// session that the client has read to its end, 503 and 429 also where RetryOnError made it
	// something else. Every status that a Handler gives has an entry.
	Answers map[int]uint64
}

// Stats returns what has been counted so far. A stream pays for it with two additions for each
// write, which serves any number of events. It may be called at any time; what is written meanwhile
// may be in some fields and not yet in others.
func (h *Handler) Stats() HandlerStats {
	c, streams := &h.counters, h.streams.Counts()
	st := HandlerStats{
		Open:      streams.Open,
		Streams:   streams.Streams,
		Resumed:   c.resumed.Load(),
		Truncated: c.truncated.Load(),
		Slow:      streams.Slow,
		Overtaken: c.overtaken.Load(),
		Replaced:  streams.Replaced,
		Events:    c.events.Load(),
		Bytes:     streams.Bytes,
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
	http.StatusNotAcceptable, http.StatusConflict, http.StatusGone, http.StatusTooManyRequests,
	http.StatusInternalServerError,
	http.StatusServiceUnavailable,
}

// counters are what Stats reads beside what is common to all front ends. Streams add to them when
// they write, begin and end.
type counters struct {
	_                             [128]byte // apart from the fields that streams read
	resumed, truncated, overtaken atomic.Uint64
	events, gaps                  atomic.Uint64
	answers                       [len(answerStatuses)]atomic.Uint64
	_                             [128]byte
}

func (c *counters) countAnswer(status int) {
	for i, s := range answerStatuses {
		if s == status {
			c.answers[i].Add(1)
		}
	}
}

// begin counts how the stream begins; end counts why it ended.
func (c *counters) begin(s *Stream) {
	switch {
	case s.asked != "" && s.gaps == 0:
		c.resumed.Add(1)
	case s.truncated:
		c.truncated.Add(1)
	}
}

func (c *counters) end(s *Stream) {
	if errors.Is(s.err, ring.ErrEvicted) && s.h.OnGap == GapError {
		c.overtaken.Add(1)
	}
}

// wrote counts a write of the stream's whole buffer.
func (c *counters) wrote(s *Stream) {
	if s.encoded > 0 {
		c.events.Add(uint64(s.encoded))
	}
	if s.gaps > 0 {
		c.gaps.Add(uint64(s.gaps))
	}
	s.encoded, s.gaps = 0, 0
}

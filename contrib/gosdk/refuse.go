package gosdk

import (
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/jsonrpc"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// retryAfter is what a client is told that meets a limit or a failing Store, in seconds.
const retryAfter = 5

var (
	errShutDown = errors.New("gosdk: the server is shutting down")
	errReplaced = errors.New("gosdk: another request has taken the stream over")
	errTooLarge = errors.New("gosdk: the body is too large")
)

// A protocolError is an answer in JSON-RPC.
type protocolError struct {
	id   []byte
	text string
}

func (p *protocolError) Error() string { return "gosdk: " + p.text }

// refusalOf maps why a request is not served to HTTP. What must not be told apart gets the same
// answer, in the SDK's own words.
func refusalOf(err error) (status int, text string) {
	var protocol *protocolError
	switch {
	case errors.As(err, &protocol):
		return http.StatusBadRequest, protocol.text
	case gone(err),
		errors.Is(err, shard.ErrInvalidID),
		errors.Is(err, shard.ErrPrincipal),
		errors.Is(err, shard.ErrFinished):
		return http.StatusNotFound, "session not found"
	case errors.Is(err, shard.ErrSessionLimit):
		return http.StatusTooManyRequests, "too many sessions"
	case errors.Is(err, shard.ErrAttachLimit):
		return http.StatusTooManyRequests, "too many open streams in this session"
	case errors.Is(err, shard.ErrClaimLimit):
		return http.StatusTooManyRequests, "too many requests in this session"
	case errors.Is(err, errReplaced):
		return http.StatusConflict, "another request has taken this stream over"
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge, "request body too large"
	case errors.Is(err, errShutDown):
		return http.StatusServiceUnavailable, "the server is shutting down"
	case errors.Is(err, replay.ErrUnsupported):
		return http.StatusInternalServerError, "the session store cannot do what this server asks of it"
	}
	return http.StatusServiceUnavailable, "session store unavailable"
}

// refuse writes the answer that err stands for.
func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, text := refusalOf(err)
	e.refused.count(status)
	if status >= 500 && !errors.Is(err, errShutDown) && r.Context().Err() == nil {
		e.opts.Logger.ErrorContext(r.Context(), "gosdk: request failed", "error", err)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	var protocol *protocolError
	if !errors.As(err, &protocol) {
		http.Error(w, text, status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(jsonrpc.Error(protocol.id, jsonrpc.InvalidRequest, text))
}

// explain answers in the SDK's place where that would say 500 because a stream, and perhaps a
// session, could not be opened.
func (e *Endpoint) explain(w http.ResponseWriter, r *http.Request, x *exchange, status int) bool {
	if status != http.StatusInternalServerError || x.err == nil {
		return false
	}
	e.refuse(w, r, x.err)
	return true
}

// refusedStatuses are all that an Endpoint answers with by itself.
var refusedStatuses = [...]int{
	http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
	http.StatusRequestEntityTooLarge,
	http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// refusals counts answers by status.
type refusals [len(refusedStatuses)]atomic.Uint64

func (r *refusals) count(status int) {
	for i, s := range refusedStatuses {
		if s == status {
			r[i].Add(1)
		}
	}
}

// EndpointStats describe what an [Endpoint] has done since it was made.
type EndpointStats struct {
	Listening int // listening streams open now
	Calls     int // streams of calls open now

	Streams  uint64 // event streams begun, ever
	Resumed  uint64 // of these, begun after a Last-Event-ID; a listening GET that was given its place counts as one
	Slow     uint64 // of these, ended because 64 KiB took longer than WriteTimeout
	Replaced uint64 // of these, ended by a GET for the same stream
	Bytes    uint64 // bytes written to them

	// Refused counts the requests that the Endpoint has answered in the SDK's place, by HTTP
	// status. Every status that it gives has an entry.
	Refused map[int]uint64
}

// Stats returns what has been counted so far. What is written meanwhile may be in some fields and
// not yet in others.
func (e *Endpoint) Stats() EndpointStats {
	l, c := e.listening.Counts(), e.calls.Counts()
	st := EndpointStats{
		Listening: l.Open, Calls: c.Open,
		Streams: l.Streams + c.Streams, Resumed: e.resumed.Load(), Slow: l.Slow + c.Slow,
		Replaced: l.Replaced + c.Replaced,
		Bytes:    l.Bytes + c.Bytes, Refused: make(map[int]uint64, len(refusedStatuses)),
	}
	for i, status := range refusedStatuses {
		st.Refused[status] = e.refused[i].Load()
	}
	return st
}

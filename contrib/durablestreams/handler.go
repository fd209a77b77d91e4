package durablestreams

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// Defaults of a [Handler].
const (
	DefaultMaxEvents     = 100_000
	DefaultMaxBytes      = 64 << 20
	DefaultMaxEventBytes = 1 << 20
	DefaultLongPoll      = 20 * time.Second
	DefaultSSE           = 60 * time.Second
	DefaultWriteTimeout  = 10 * time.Second
	DefaultMaxChunk      = 1 << 20
)

// A Handler serves streams. Only Store is required. Fields must not be changed once the Handler
// serves; its methods, and the functions in its fields, are called concurrently. A Handler must not
// be copied.
//
// Requests that append to one stream are carried out one after another, as section 5.2.1 asks for
// each producer. Several Handlers, in one process or in many, may serve the same Store: an append
// that another Handler has overtaken is tried again on what that one has stored.
//
// Stream-Seq counts for the stream, whoever writes. Stream-TTL together with Stream-Expires-At is
// 400.
//
// A request is answered with 400 for what is malformed, 403 for what Authorize refuses, 404 for an
// unknown stream, 409 for what contradicts the stream, 410 for a deleted stream that has forks and
// for an offset that is no longer retained (with Stream-Earliest-Offset), 413 for more than a
// stream may retain, 429 with Retry-After for a limit of the Store, 501 for the subscription APIs,
// and 503 with Retry-After for a failing Store.
type Handler struct {
	// Store is where the streams are: a replay.Creator and replay.Batcher.
	Store replay.Store

	// Authorize is asked before anything is done. An error is answered with 403. The principal that
	// it returns owns the streams that the request creates, as far as the Store's limits go; who
	// may use a stream is for Authorize to say. Default: everybody may do everything.
	Authorize func(*http.Request) (principal string, err error)

	// SessionID names the session of the stream at a URL path: that of the request, or of the
	// stream that it forks. "" is answered with 404. Default: the path where it can be a session
	// ID, else a hash of it.
	SessionID func(r *http.Request, path string) string

	// AllowOrigin says whether pages of an Origin may use the streams (CORS). Default: only pages
	// of the same origin.
	AllowOrigin func(r *http.Request, origin string) bool

	// Limits of each stream. When a stream is full its oldest messages go, and reading them is
	// answered with 410. Zero fields are DefaultMaxEvents, DefaultMaxBytes and
	// DefaultMaxEventBytes. A body of bytes may be larger than MaxEventBytes, and is then several
	// events; a JSON message may not.
	Limits ring.Config

	// TTL is how long a stream lives without being read or written if its creator sent neither
	// Stream-TTL nor Stream-Expires-At. 0: for ever.
	TTL time.Duration

	LongPoll time.Duration // how long a long-poll waits; default 20 s
	// how long a server-sent event stream goes on before the client is to reconnect; default 60 s
	SSE time.Duration
	// how long a server-sent event stream waits for more messages to go out in the same write, when
	// it has written within the last four such intervals: a message after a silence goes at once.
	// Negative: never. Default: 20 µs for each reader that is connected, divided by GOMAXPROCS, and
	// 5 ms to 50 ms
	SSEInterval  time.Duration
	WriteTimeout time.Duration // how long a client may take for a piece of 64 KiB; default 10 s; negative: for ever
	MaxChunk     int           // bytes of data in one answer, give or take a message; default 1 MiB

	// Public allows shared caches to keep what is read. Default: only the client's own.
	Public bool

	// Logger is told of failing Stores. Default: silent.
	Logger *slog.Logger

	streams registry
	live    sse.Set   // answers that wait for messages
	buffers sync.Pool // of *bytes.Buffer, for bodies

	scratches sync.Pool // of *scratch, for appends
}

// Close ends long-polls and server-sent event streams, for http.Server.RegisterOnShutdown; what
// comes after it is answered with 503. It does not wait, and is idempotent.
func (h *Handler) Close() { h.live.Close() }

// ServeHTTP serves one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.setCommonHeaders(w, r)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := h.serve(w, r); err != nil {
		h.answer(w, r, err)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	q, err := h.newRequest(w, r)
	if err != nil {
		return err
	}
	defer q.release()
	switch r.Method {
	case http.MethodPut:
		return q.create()
	case http.MethodPost:
		return q.append()
	case http.MethodGet:
		return q.read()
	case http.MethodHead:
		return q.head()
	case http.MethodDelete:
		return q.delete()
	}
	w.Header().Set("Allow", "GET, HEAD, PUT, POST, DELETE, OPTIONS")
	return refuse(http.StatusMethodNotAllowed, "method not allowed")
}

// A request is one request in progress.
type request struct {
	h         *Handler
	w         http.ResponseWriter
	r         *http.Request
	id        string // the session's
	principal string
	limits    ring.Config
	buffer    *bytes.Buffer // borrowed from h.buffers; nil: not yet
}

var errNoStore = errors.New("durablestreams: Handler.Store must be a replay.Creator and a replay.Batcher")

func (h *Handler) newRequest(w http.ResponseWriter, r *http.Request) (*request, error) {
	_, creator := h.Store.(replay.Creator)
	_, batcher := h.Store.(replay.Batcher)
	if !creator || !batcher {
		return nil, errNoStore
	}
	q := &request{h: h, w: w, r: r, limits: h.limits()}
	if h.Authorize != nil {
		var err error
		if q.principal, err = h.Authorize(r); err != nil {
			return nil, refuse(http.StatusForbidden, "forbidden")
		}
	}
	if isReserved(r.URL.Path) {
		return nil, refuse(http.StatusNotImplemented, "subscriptions are not implemented")
	}
	if q.id = h.sessionID(r, r.URL.Path); q.id == "" {
		return nil, refuse(http.StatusNotFound, "stream not found")
	}
	return q, nil
}

// isReserved reports whether a path has a segment __ds, behind which section 6 puts its APIs.
func isReserved(path string) bool {
	return strings.Contains(path, "/__ds/") || strings.HasSuffix(path, "/__ds")
}

func (h *Handler) limits() ring.Config {
	c := h.Limits
	if c.MaxEvents == 0 {
		c.MaxEvents = DefaultMaxEvents
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.MaxEventBytes == 0 {
		c.MaxEventBytes = DefaultMaxEventBytes
	}
	if c.MaxIDBytes == 0 {
		// Events are named by their offsets, whatever other sessions of the Store may have.
		c.MaxIDBytes = ring.MaxIDBytes
	}
	return c
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

const allowedHeaders = "Content-Type, Authorization, If-None-Match, Accept, Stream-Seq, Stream-TTL, " +
	"Stream-Expires-At, " +
	"Stream-Closed, Stream-Forked-From, Stream-Fork-Offset, Stream-Fork-Sub-Offset, " +
	"Producer-Id, Producer-Epoch, Producer-Seq"

const exposedHeaders = "ETag, Location, Content-Type, Stream-Next-Offset, Stream-Cursor, Stream-Up-To-Date, " +
	"Stream-Closed, " +
	"Stream-TTL, Stream-Expires-At, Stream-Earliest-Offset, Stream-SSE-Data-Encoding, " +
	"Producer-Epoch, Producer-Seq, Producer-Expected-Seq, Producer-Received-Seq"

// setCommonHeaders sets what every answer has (section 12.7), and what CORS needs.
func (h *Handler) setCommonHeaders(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	values := [...]string{"nosniff", "same-origin"} // as one allocation
	header["X-Content-Type-Options"] = values[0:1:1]
	header["Cross-Origin-Resource-Policy"] = values[1:2:2]
	if h.AllowOrigin != nil {
		header.Add("Vary", "Origin")
		values[1] = "cross-origin"
		if origin := r.Header.Get("Origin"); origin != "" && h.AllowOrigin(r, origin) {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Expose-Headers", exposedHeaders)
			if r.Method == http.MethodOptions {
				header.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE, OPTIONS")
				header.Set("Access-Control-Allow-Headers", allowedHeaders)
			}
		}
	}
}

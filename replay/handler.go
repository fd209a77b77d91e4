package replay

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// A GapPolicy says what a [Handler] does for a client whose place in the stream is no longer retained.
type GapPolicy uint8

const (
	// GapError answers 410, and closes the stream of a client that was too slow for the session's retention; that client finds 410 when it
	// comes back. It must then start over.
	GapError GapPolicy = iota

	// GapFromOldest first sends an event of type "gap" and then goes on from the oldest retained event, on the streams that Position names; when
	// it names none, on the stream that the client was reading if that is known, else on every stream. An unknown event ID counts as a gap too.
	//
	// The gap event's data is a JSON object: "lastEventId" is the last event ID that the client has, and "first" the sequence number
	// of the oldest event that is retained, 0 when there is none. It has no ID, so that the client's last event ID remains what it was.
	GapFromOldest
)

// Defaults of a [Handler].
const (
	DefaultRetry        = 3 * time.Second
	DefaultKeepAlive    = 15 * time.Second
	DefaultWriteTimeout = 10 * time.Second
)

// A Handler serves one resumable event stream per session over HTTP/1.1 and HTTP/2. GET follows the session: everything after the event that
// Last-Event-ID names, or everything retained, and then live events. DELETE terminates it.
//
//	405  a method other than GET and DELETE, with Allow
//	403  an Origin that is neither the request's own host nor allowed
//	406  an Accept header that excludes text/event-stream (GET)
//	400  no session ID; a Last-Event-ID (GET) over 256 bytes, not UTF-8, or with NUL, CR or LF; a GET with a body
//	404  a session that is unknown, has ended, or belongs to another principal: the same answer for each
//	409  Exclusive, and another stream of the session is open
//	410  Last-Event-ID names an event that is no longer retained or never was (GapError)
//	204  the session has finished and the client has everything; DELETE has terminated it
//
// are decided in this order: the first that applies is the answer. Otherwise a GET is answered with 200 and a stream, except for
//
//	503  the Store fails, or Close was called (GET)
//	500  no Store; a ResponseWriter that cannot flush
//
// Only Store is required. Fields must not be changed once the Handler serves; its methods, and the functions in its
// fields, are called concurrently. A Handler must not be copied after first use.
//
// A stream holds no lock, and nobody waits for it. It buffers up to 64 KiB, or one event if that is larger, only while it writes,
// hands on everything that is ready in one write and one flush, and allocates nothing per event. It ends when the client goes, a write takes longer than
// WriteTimeout, the session ends or finishes, the client is overtaken (GapError), or Close is called. Over HTTP/2 a client
// that stops reading its whole connection, not only this stream, is for http.HTTP2Config.WriteByteTimeout to end.
//
// Embedders bring TLS, authentication (Principal) and CORS headers (around the Handler).
type Handler struct {
	// Store is where the sessions are.
	Store Store

	// SessionID tells which session a request is for; "" is answered with 400. Default: the Mcp-Session-Id header,
	// then the "session" query parameter.
	SessionID func(*http.Request) string

	// Principal tells who makes a request, "" for nobody. A session is served to its own Principal alone, and one that has none
	// only to nobody. Default: nobody.
	Principal func(*http.Request) string

	// Position tells where a stream begins. Default: after the event that the Last-Event-ID header names, then
	// the "last_event_id" query parameter, for page reloads.
	Position func(*http.Request) Position

	// AllowOrigin is asked about requests whose Origin header is not their own host (same host and port; over TLS, https too).
	// "null" is never one's own. Requests without Origin are not asked about. Default: none is allowed.
	//
	// What the Host header should be is for the embedder to check: to a server on a loopback address, a page whose name was
	// rebound to that address is its own host.
	AllowOrigin func(*http.Request) bool

	// Retry is how long a client waits before it reconnects; 0 means 3 s, negative leaves it to the client. It is sent in whole milliseconds.
	Retry time.Duration

	// KeepAlive is how long a stream may be silent before a comment is sent; 0 means 15 s, negative for ever.
	KeepAlive time.Duration

	// WriteTimeout is how long one write may take, whatever http.Server.WriteTimeout says; 0 means 10 s, negative for ever.
	// A ResponseWriter without write deadlines is served without.
	WriteTimeout time.Duration

	// RetryOnError answers a GET with 200, the retry time and the end of the stream where it would be 503, because an
	// EventSource never reconnects after an error status.
	RetryOnError bool

	// Exclusive admits one stream of a session at a time, among those of this Handler; its place is free as soon as it has ended.
	Exclusive bool

	// OnGap is what happens when events that a client has not seen are no longer retained.
	OnGap GapPolicy

	// Logger is told of failing Stores (Error) and of streams that ended with an error (Debug). Default: silent.
	Logger *slog.Logger

	buffers sync.Pool // of *[]byte; used by every stream while it writes
	taken   sync.Map  // session IDs that have a stream, if Exclusive; each entry is set and deleted by its stream

	mu      sync.Mutex           // guards what follows; held for a few instructions, save by Close
	streams map[*stream]struct{} // open streams; each enters and leaves by itself
	closed  bool                 // set by Close, for good

	counters counters // see Stats
}

// ServeHTTP serves one request. A GET returns when its stream ends.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	switch r.Method {
	case http.MethodGet:
		err = h.follow(w, r)
	case http.MethodDelete:
		err = h.terminate(r)
	default:
		w.Header().Set("Allow", "GET, DELETE")
		err = refuse(http.StatusMethodNotAllowed, "method not allowed")
	}
	if err != nil {
		h.answer(w, r, err)
	}
}

// Close ends every stream: clients see the end of the response and reconnect, here or elsewhere. It does not wait for them; what is
// being written may take another second. Later GETs are answered with 503, or as RetryOnError says; DELETE goes on. Close is
// idempotent, safe at any time and in any goroutine, and made for http.Server.RegisterOnShutdown, as Shutdown alone waits for streams.
func (h *Handler) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.streams {
		s.end()
	}
}

// enter adds s to the open streams unless the Handler is closed.
func (h *Handler) enter(s *stream) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	if h.streams == nil {
		h.streams = make(map[*stream]struct{})
	}
	h.streams[s] = struct{}{}
	return true
}

// leave takes s out; once it has returned, Close does not touch s or its ResponseWriter.
func (h *Handler) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
}

// follow serves a GET. An error is for answer to write; after a stream there is none.
func (h *Handler) follow(w http.ResponseWriter, r *http.Request) error {
	id, at, err := h.wanted(r)
	if err != nil {
		return err
	}
	session, err := h.admit(r, id)
	if err != nil {
		return err
	}
	if h.Exclusive {
		if _, taken := h.taken.LoadOrStore(id, nil); taken {
			return refuse(http.StatusConflict, "session already has an open stream")
		}
		defer h.taken.Delete(id)
	}
	s := h.newStream(w, r, session, at)
	defer s.close()
	if !h.enter(s) {
		return errHandlerClosed
	}
	defer h.leave(s)
	return s.serve()
}

var errHandlerClosed = errors.New("replay: handler closed")

// terminate serves a DELETE. What it returns is for answer to write.
func (h *Handler) terminate(r *http.Request) error {
	if err := h.checkOrigin(r); err != nil {
		return err
	}
	id, err := h.sessionID(r)
	if err != nil {
		return err
	}
	session, err := h.admit(r, id)
	if err != nil {
		return err
	}
	if err := session.terminate(r.Context()); err != nil {
		return err
	}
	return refuse(http.StatusNoContent, "")
}

func (h *Handler) log(ctx context.Context, level slog.Level, msg string, err error) {
	if h.Logger != nil {
		h.Logger.LogAttrs(ctx, level, msg, slog.Any("error", err))
	}
}

// orDefault fills in the default of a duration that is 0.
func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

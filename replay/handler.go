package replay

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/ring"
)

// A GapPolicy says what a [Handler] does for a client whose place in the stream is no longer
// retained.
type GapPolicy uint8

const (
	// GapError answers 410, and closes the stream of a client that was too slow for the session's
	// retention; that client finds 410 when it comes back. It must then start over. A client that
	// comes without an ID gets what is retained; that the beginning was gone is counted in
	// HandlerStats.Truncated.
	GapError GapPolicy = iota

	// GapFromOldest first sends an event of type "gap" and then goes on from the oldest retained
	// event, on the streams that Position names; when it names none, on the stream that the client
	// was reading if that is known, else on every stream. An unknown event ID counts as a gap too,
	// and so does a beginning that is gone when a client comes without an ID and asks for
	// everything.
	//
	// The gap event's data is a JSON object: "reprise" is "gap", by which a page tells it from an
	// event of that type that the application has stored; "lastEventId" is the last event ID that
	// the client has, "" for none; and "first" is the sequence number of the oldest event that is
	// retained, 0 when there is none. Its ID is the place behind the gap, where the Store has such
	// (see [Positioner]).
	GapFromOldest
)

// A KeepPolicy says which of two readers of a session an Exclusive [Handler] keeps.
type KeepPolicy uint8

const (
	// KeepNewest ends the older stream: a page that is loaded again comes before anybody knows that
	// its first connection is dead, behind some proxies for ever. Two pages that are both alive
	// take the stream from each other each time they reconnect.
	KeepNewest KeepPolicy = iota

	// KeepFirst answers the newcomer with 409, at which an EventSource gives up for good.
	KeepFirst
)

// Defaults of a [Handler].
const (
	DefaultRetry        = 3 * time.Second
	DefaultKeepAlive    = 15 * time.Second
	DefaultWriteTimeout = 10 * time.Second
)

// minKeepAlive keeps a mistake in the unit from making a stream of nothing but comments.
const minKeepAlive = 100 * time.Millisecond

// A Handler serves one resumable event stream per session over HTTP/1.1 and HTTP/2. GET follows the
// session: everything after the event that Last-Event-ID names, or everything retained, and then
// live events. HEAD answers as GET would, without a body and without becoming a reader. DELETE
// terminates the session, unless ReadOnly is set.
//
//	405  a method other than GET, HEAD and DELETE, or DELETE with ReadOnly; with Allow
//	403  a foreign origin (see AllowOrigin)
//	406  an Accept header that excludes text/event-stream (GET)
//	400  no session ID; a Last-Event-ID (GET) over 1 KiB, not UTF-8, or with NUL, CR or LF;
//	     a GET with a body of one byte or more
//	404  a session that is unknown, has ended, or belongs to another principal: the same
//	     answer for each (204: see NotFoundStatus)
//	409  Exclusive with KeepFirst, and another stream of the session is open
//	429  the session has as many readers as shard.Config.MaxAttached allows, or another limit
//	     of the Store's is reached; with Retry-After
//	410  Last-Event-ID names an event that is no longer retained or never was (GapError)
//	204  the session has finished and the client has everything; DELETE has terminated it
//
// are decided in this order: the first that applies is the answer. Otherwise a GET is answered with
// 200 and a stream, except for
//
//	503  the Store fails, or Close was called (GET)
//	500  no Store, or a field with a value that it cannot have; a ResponseWriter that cannot flush
//
// A header or query parameter that comes more than once counts as its last, and one that is empty
// as absent.
//
// # What a client sees
//
// A stream shows every stream of the session, before and after a reconnect, unless Position says
// otherwise. (That a reconnect sees the stream of its last event alone is MCP's rule, which
// Position gives to those who ask for it: see [Position].) It begins with a comment, the retry time
// and the ID of the place where it starts, without data: an EventSource keeps the ID and dispatches
// nothing, so that a client that is cut off before its first event has a place to come back to.
// Stores whose readers are no [Positioner] leave the ID out.
//
// When a session finishes its streams end, and a client that comes back with everything gets 204,
// at which an EventSource stops without saying why. DoneEvent tells a page at once, and tells one
// that missed it when it comes back:
//
//	source.addEventListener('done', () => source.close())
//
// # Mounting
//
// A path for all methods lets whoever has the session's ID, and is its principal, end it:
//
//	mux.Handle("/events", handler)
//
// A path for GET alone (which takes HEAD in as well) leaves other methods to the mux, as ReadOnly
// does to the Handler:
//
//	mux.Handle("GET /sessions/{id}/events", &replay.Handler{
//		Store: store, ReadOnly: true,
//		SessionID: func(r *http.Request) string { return r.PathValue("id") },
//	})
//
// # Threats
//
// Who may read is decided by Principal; without it, by who knows the session's ID, which therefore
// must not be guessable (the ones that a Store mints have 122 random bits), and is as good as a
// password where it is written down: in logs of URLs, for one, if it is a query parameter. Foreign
// web pages are refused by their origin; a page whose name was rebound to the server's own address
// is not foreign, so that the Host header is for the embedder to check. A client that stalls costs
// its own connection, and only for WriteTimeout; how many connections a client may open is for
// shard.Config.MaxAttached and the embedder's server or proxy to limit. A request is answered
// alike, and in about the same time, for a session that is unknown and one of somebody else's. No
// answer repeats what the client sent, save an event ID that the Store has found, and one that it
// has not found as JSON in a gap event. Stored data can forge no field of the stream, but it
// arrives as it was stored: a page must not take it for HTML.
//
// # Use
//
// Only Store is required. Fields must not be changed once the Handler serves; its methods, and the
// functions in its fields, are called concurrently. A Handler must not be copied after first use.
//
// A stream holds no lock that others wait for, and nobody waits for it. It buffers up to 64 KiB, or
// one event if that is larger, only while it writes, hands on everything that is ready in one
// flush, and allocates nothing per event. It ends when the client goes, 64 KiB take longer than
// WriteTimeout, the session ends or finishes, the client is overtaken (GapError), a newer reader
// takes over (Exclusive), or Close is called. Over HTTP/2 a client that stops reading its whole
// connection, not only this stream, is for http.HTTP2Config.WriteByteTimeout to end.
//
// Embedders bring TLS, authentication (Principal) and CORS headers (around the Handler).
type Handler struct {
	// Store is where the sessions are.
	Store Store

	// SessionID tells which session a request is for; "" is answered with 400. Default: the
	// Mcp-Session-Id header, then the "session" query parameter.
	SessionID func(*http.Request) string

	// Principal tells who makes a request, "" for nobody. A session is served to its own Principal
	// alone, and one that has none only to nobody. Default: nobody.
	Principal func(*http.Request) string

	// Position tells where a stream begins and what it shows. Default: every stream, after the
	// event that the Last-Event-ID header names, then the "lastEventId" query parameter, which the
	// common EventSource polyfills send, then "last_event_id", for page reloads.
	Position func(*http.Request) Position

	// AllowOrigin is asked about requests that a foreign page may have made and could read the
	// answer of: see [SameOrigin]. Default: none is allowed.
	//
	// What the Host header should be is for the embedder to check: to a server on a loopback
	// address, a page whose name was rebound to that address is its own host.
	AllowOrigin func(*http.Request) bool

	// NotFoundStatus is what GET and HEAD answer where it would be 404: 0 means 404, and 204 is for
	// clients that ask whether there is anything to resume, such as the chat transports of web UI
	// kits. No other value is taken.
	NotFoundStatus int

	// ReadOnly leaves DELETE out: sessions end by the application alone.
	ReadOnly bool

	// Retry is how long a client waits before it reconnects; 0 means 3 s, negative leaves it to the
	// client. It is sent in whole milliseconds.
	Retry time.Duration

	// RetryMax, if it is above Retry, tells each connection a time of its own between the two, so
	// that clients which were cut off together do not come back together.
	RetryMax time.Duration

	// KeepAlive is how long a stream may be silent before a comment is sent; 0 means 15 s, negative
	// for ever, and what is below 100 ms is raised to that.
	KeepAlive time.Duration

	// WriteTimeout is how long the writing of 64 KiB may take, whatever http.Server.WriteTimeout
	// says; 0 means 10 s, negative for ever. A client that reads steadily gets an event of any
	// size. A ResponseWriter without write deadlines is served without.
	WriteTimeout time.Duration

	// RetryOnError answers a GET with 200, the retry time and the end of the stream where it would
	// be 503 or 429, because an EventSource never reconnects after an error status.
	RetryOnError bool

	// Exclusive keeps one stream of a session at a time, among those of this Handler. Keep says
	// which one of two.
	Exclusive bool
	Keep      KeepPolicy

	// OnGap is what happens when events that a client has not seen are no longer retained.
	OnGap GapPolicy

	// DoneEvent is the type of an event that is sent when a session has finished and the client has
	// everything, before the stream ends; "" sends none. Its data is a JSON object in which
	// "reprise" is "done". A client that comes back with an older event's ID than that of this one
	// is sent it again, on a Store whose readers are [Positioner]s, and gets 204 after that.
	DoneEvent string

	// Logger is told of failing Stores (Error), of limits and of streams that ended with an error
	// (Debug). Default: silent.
	Logger *slog.Logger

	buffers  sync.Pool // of *[]byte; used by every stream while it writes
	streams  sse.Set   // open streams; each enters and leaves by itself
	counters counters  // see Stats
}

// ServeHTTP serves one request. A GET returns when its stream ends.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		h.follow(w, r)
	case r.Method == http.MethodDelete && !h.ReadOnly:
		h.answer(w, r, h.terminate(r))
	default:
		w.Header().Set("Allow", h.allow())
		h.answer(w, r, refuse(http.StatusMethodNotAllowed, "method not allowed"))
	}
}

func (h *Handler) allow() string {
	if h.ReadOnly {
		return "GET, HEAD"
	}
	return "GET, HEAD, DELETE"
}

// Close ends every stream: clients see the end of the response and reconnect, here or elsewhere. It
// does not wait for them; what is being written may take another second. Later GETs are answered
// with 503, or as RetryOnError says; DELETE goes on. Close is idempotent, safe at any time and in
// any goroutine, and made for http.Server.RegisterOnShutdown, as Shutdown alone waits for streams.
func (h *Handler) Close() { h.streams.Close() }

// follow serves a GET or a HEAD.
func (h *Handler) follow(w http.ResponseWriter, r *http.Request) {
	s := h.Accept(w, r)
	if s == nil {
		return
	}
	defer s.Close()
	var e ring.Event
	for s.Next(&e) {
		if s.Send(e) != nil {
			return
		}
	}
}

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

// admit returns the session with that ID if there is one and it belongs to the request's principal.
func (h *Handler) admit(r *http.Request, id string) (session, error) {
	switch {
	case h.Store == nil:
		return nil, refuse(http.StatusInternalServerError, "replay.Handler has no Store")
	case h.NotFoundStatus != 0 && h.NotFoundStatus != http.StatusNotFound && h.NotFoundStatus != http.StatusNoContent:
		return nil, refuse(http.StatusInternalServerError, "replay.Handler.NotFoundStatus is neither 404 nor 204")
	}
	var principal string
	if h.Principal != nil {
		principal = h.Principal(r)
	}
	return authorized(r.Context(), h.Store, id, principal)
}

func (h *Handler) keepAlive() time.Duration {
	d := orDefault(h.KeepAlive, DefaultKeepAlive)
	if d >= 0 {
		d = max(d, minKeepAlive)
	}
	return d
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

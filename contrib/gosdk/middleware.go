package gosdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// sessionHeader carries the session ID on every request but the first.
const sessionHeader = "Mcp-Session-Id"

// Options are what [Middleware] does beyond attaching sessions. The zero value is ready for use.
type Options struct {
	// Principal tells who makes a request; "" is nobody in particular. A session belongs to the principal of the request that began it, and
	// a request of anybody else is answered as if there were no such session. Default: nobody is told from anybody.
	Principal func(*http.Request) string

	// Retry is how long a client is told to wait before it comes back after a broken connection, in whole milliseconds. The SDK's
	// client waits one to two seconds unless told. Default: nothing is told.
	Retry time.Duration

	// WriteTimeout is how long one write on an event stream may take, whatever http.Server.WriteTimeout says; 0 means 10 s, negative leaves
	// it to the server. The SDK writes an event at a time while the tool that sends it waits: of a client that reads nothing,
	// the connection ends then, the tool goes on, and the client finds the rest when it comes back. A ResponseWriter without
	// write deadlines is served without.
	WriteTimeout time.Duration

	// DisableLocalhostProtection is to be what mcp.StreamableHTTPOptions has under that name. Unless it is set, a request that
	// arrives at a loopback address with a Host that is none is answered with 403, as the SDK does, before its session is looked at.
	DisableLocalhostProtection bool
}

// Middleware stands in front of the SDK's handler, next. For a request that names a session, it keeps the session attached until
// the request has been served, so that a hanging GET holds expiry off, and answers 404 when the session has ended or is another principal's,
// 503 when the Store cannot tell or the session has too many open streams. Other requests pass: the session that one of
// them begins is bound to its principal.
//
// To an event stream it adds what the SDK leaves out: a deadline for each write, a header that keeps nginx from buffering,
// Options.Retry and, when a client resumes with Last-Event-ID (protocol version 2025-11-25 or later), an event without data that repeats
// that ID, so that the client does not forget its place if the connection breaks before the first event is complete.
//
// What refuses requests for their origin or their credentials belongs in front of Middleware (http.CrossOriginProtection, say, instead of
// the SDK's option), or else the answer tells whether a session exists, and the request keeps it alive.
//
// It takes one place of shard.Config.MaxAttached for each request in progress, and a replay a second one for a moment. It is
// not for stateless servers, which ignore the header that it goes by.
func Middleware(store replay.Store, next http.Handler, opts Options) http.Handler {
	if opts.Principal == nil {
		opts.Principal = func(*http.Request) string { return "" }
	}
	opts.WriteTimeout = cmp.Or(opts.WriteTimeout, replay.DefaultWriteTimeout)
	return &middleware{store, next, opts, retry(opts.Retry)}
}

// retry is the field that tells a client how long to wait, "" when it is not to be told.
func retry(d time.Duration) string {
	if d < time.Millisecond {
		return ""
	}
	return fmt.Sprintf("retry: %d\n\n", d.Milliseconds())
}

type middleware struct {
	store replay.Store
	next  http.Handler
	opts  Options
	retry string // what every event stream begins with
}

func (m *middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.opts.DisableLocalhostProtection && !checkHost(w, r) {
		return
	}
	principal := m.opts.Principal(r)
	if id := r.Header.Get(sessionHeader); id != "" {
		detach, err := m.attach(r.Context(), id, principal)
		if err != nil {
			refuse(w, err)
			return
		}
		defer detach()
	}
	stream := newStreamWriter(w, r, m.retry, m.opts.WriteTimeout)
	m.next.ServeHTTP(stream, r.WithContext(context.WithValue(r.Context(), principalKey{}, principal)))
	stream.finish()
}

// attach holds the session open for a request of principal.
func (m *middleware) attach(ctx context.Context, id, principal string) (detach func(), err error) {
	info, err := m.store.Info(ctx, id)
	if err != nil {
		return nil, err
	}
	if info.Principal != principal || info.Status == shard.Terminated || info.Status == shard.Expired {
		return nil, shard.ErrNotFound
	}
	reader, err := m.store.Open(ctx, id, replay.Position{Live: true})
	if err != nil {
		return nil, err
	}
	return reader.Close, nil
}

// refuse answers in the SDK's own words, so that nobody can tell a foreign session from an unknown one.
func refuse(w http.ResponseWriter, err error) {
	if gone(err) || errors.Is(err, shard.ErrInvalidID) {
		http.Error(w, "session not found", http.StatusNotFound)
		return
	}
	http.Error(w, "session unavailable", http.StatusServiceUnavailable)
}

type principalKey struct{}

// principalOf returns the principal of the request that ctx belongs to; false when it did not come through Middleware.
func principalOf(ctx context.Context) (string, bool) {
	principal, ok := ctx.Value(principalKey{}).(string)
	return principal, ok
}

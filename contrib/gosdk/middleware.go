package gosdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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
}

// Middleware stands in front of the SDK's handler, next. For a request that names a session, it keeps the session attached until
// the request has been served, so that a hanging GET holds expiry off, and answers 404 when the session has ended or is another principal's,
// 503 when the Store cannot tell or the session has too many open streams. Other requests pass: the session that one of
// them begins is bound to its principal.
//
// It takes one place of shard.Config.MaxAttached for each request in progress, and a replay a second one for a moment. It is
// not for stateless servers, which ignore the header that it goes by.
func Middleware(store replay.Store, next http.Handler, opts Options) http.Handler {
	if opts.Principal == nil {
		opts.Principal = func(*http.Request) string { return "" }
	}
	return &middleware{store, next, opts, fmt.Sprintf("retry: %d\n\n", opts.Retry.Milliseconds())}
}

type middleware struct {
	store replay.Store
	next  http.Handler
	opts  Options
	retry string
}

func (m *middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	principal := m.opts.Principal(r)
	if id := r.Header.Get(sessionHeader); id != "" {
		detach, err := m.attach(r.Context(), id, principal)
		if err != nil {
			refuse(w, err)
			return
		}
		defer detach()
	}
	if m.opts.Retry >= time.Millisecond {
		w = &retryWriter{ResponseWriter: w, retry: m.retry}
	}
	m.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, principal)))
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

// retryWriter begins an event stream with a retry field.
type retryWriter struct {
	http.ResponseWriter
	retry string
	begun bool
}

func (w *retryWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
			if _, err := io.WriteString(w.ResponseWriter, w.retry); err != nil {
				return 0, err
			}
		}
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap gives http.ResponseController the writer that can flush.
func (w *retryWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

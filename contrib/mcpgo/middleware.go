package mcpgo

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/replay"
)

// Options are what [Middleware] does differently from the default. The zero value is ready for use.
type Options struct {
	// Retry is how long a client is told to wait before it comes back after a broken connection, in
	// whole milliseconds. Default: nothing is told.
	Retry time.Duration

	// KeepAlive is how long an event stream may be silent before a comment is sent; 0 means 15 s,
	// negative for ever.
	KeepAlive time.Duration

	// WriteTimeout is how long 64 KiB of an event stream may take to be written, whatever
	// http.Server.WriteTimeout says; 0 means 10 s, negative for ever. A client that reads nothing
	// loses its connection then, and finds the rest when it comes back; one that reads steadily
	// gets everything.
	WriteTimeout time.Duration
}

// An Endpoint is the http.Handler that [Middleware] returns. It is safe for concurrent use.
type Endpoint struct {
	store   replay.Store
	next    http.Handler
	opts    Options
	streams sse.Set // of GETs, which may never end by themselves
	calls   sse.Set
}

// Middleware stands in front of the SDK's handler, next. A request of a session that the Store
// knows keeps it attached until the request has been served, so that a listening GET holds expiry
// off; all else is for the SDK to judge. Event streams have a deadline for each 64 KiB, comments
// while they are silent, headers that keep proxies from buffering, Options.Retry and, for a client
// of 2025-11-25 that resumes, an event without data that repeats its Last-Event-ID, so that it does
// not forget its place if the connection breaks before the first event is complete. A header that
// comes twice counts as its last.
func Middleware(store replay.Store, next http.Handler, opts Options) *Endpoint {
	opts.KeepAlive = cmp.Or(opts.KeepAlive, replay.DefaultKeepAlive)
	opts.WriteTimeout = cmp.Or(opts.WriteTimeout, replay.DefaultWriteTimeout)
	return &Endpoint{store: store, next: next, opts: opts}
}

// Close ends the streams of GETs and answers new ones with 503: their clients come back, here or
// elsewhere. Calls go on, and so do the streams of their POSTs. It is made for
// http.Server.RegisterOnShutdown, is idempotent and waits for nothing.
func (e *Endpoint) Close() { e.streams.Close() }

// ServeHTTP implements http.Handler.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = mcphttp.LastOf(r)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	set := &e.calls
	if r.Method == http.MethodGet {
		set = &e.streams
	}
	out := sse.NewWriter(set, w, r, e.opts.WriteTimeout, cancel)
	if !set.Enter(out) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer set.Leave(out)
	if id := r.Header.Get(mcphttp.SessionID); wellFormed(id) {
		if reader, err := e.store.Open(ctx, id, replay.Position{Live: true}); err == nil {
			defer reader.Close()
		}
	}
	resp := mcphttp.NewResponse(w, r, out, e.opts.Retry, e.opts.KeepAlive)
	defer resp.Finish()
	e.next.ServeHTTP(resp, r.WithContext(ctx))
}

// EndpointStats describe what an [Endpoint] has done since it was made.
type EndpointStats struct {
	Open    int    // event streams open now
	Streams uint64 // event streams begun, ever
	Slow    uint64 // of these, ended because 64 KiB took longer than WriteTimeout
	Bytes   uint64 // bytes written to them
}

// Stats returns what has been counted so far.
func (e *Endpoint) Stats() EndpointStats {
	g, c := e.streams.Counts(), e.calls.Counts()
	return EndpointStats{
		Open:    g.Open + c.Open,
		Streams: g.Streams + c.Streams,
		Slow:    g.Slow + c.Slow,
		Bytes:   g.Bytes + c.Bytes,
	}
}

package gosdk

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/replay"
)

// An Endpoint is the http.Handler that [Middleware] and [Handler] return. It is safe for concurrent
// use.
type Endpoint struct {
	store replay.Store
	next  http.Handler
	opts  Options

	modern http.Handler // for clients without sessions; nil: there are none

	listening sse.Set // streams of messages that answer nothing: they never end by themselves
	calls     sse.Set // streams of calls, begun by a POST or resumed by a GET
	resumed   atomic.Uint64
	refused   refusals

	mu     sync.Mutex
	stores []*EventStore // those that have opened a stream behind this Endpoint; entries are added and never changed
}

// Middleware stands in front of the SDK's handler, next. For a request that names a session, it
// keeps the session attached until the request has been served, so that a hanging GET holds expiry
// off.
//
//	400  a second initialize of the session; with UniqueRequestIDs, a request ID that the session
//	     has used before
//	404  the session has ended or is another principal's: the same answer for both
//	413  the body is larger than MaxRequestBodyBytes
//	429  a limit on sessions, on those of the principal, on open streams or on claims has been
//	     reached; with Retry-After
//	503  the Store cannot tell, with Retry-After; or Close was called (GET)
//
// are its answers; others are the SDK's. A session that a request begins is bound to its principal
// and has the clientInfo of its initialize in Metadata.ClientInfo (its names and versions alone if
// it has more than 4 KiB). A header that comes twice counts as its last.
//
// A GET takes over the stream that it asks for: whoever still has it open is ended, for a
// connection that the server takes for alive may have gone long ago. A listening GET without
// Last-Event-ID always opens. It begins at the present, but for a session's first one, which gets
// what has waited for it if all of that is retained. A client of 2025-11-25 or later is told its
// place at once, by an event without data, so that it loses nothing if the connection breaks before
// the first event is complete; so is one that resumes.
//
// Event streams have a deadline for each 64 KiB, comments while they are silent, a header that
// keeps nginx from buffering, and Options.Retry.
//
// What refuses requests for their origin or their credentials belongs in front of Middleware
// (http.CrossOriginProtection, say, instead of the SDK's option), or else the answer tells whether
// a session exists, and the request keeps it alive.
//
// It takes one place of shard.Config.MaxAttached for each request in progress, and a replay a
// second one for a moment. It is not for stateless servers, which ignore the header that it goes
// by: see [Handler].
func Middleware(store replay.Store, next http.Handler, opts Options) *Endpoint {
	return &Endpoint{store: store, next: next, opts: opts.withDefaults()}
}

// Close ends every listening stream and refuses new ones: their clients come back, here or
// elsewhere. Calls go on, and so do their streams, which end with them. It is made for
// http.Server.RegisterOnShutdown, for Shutdown would wait for listening streams for ever. It is
// idempotent and waits for nothing.
func (e *Endpoint) Close() { e.listening.Close() }

// ServeHTTP implements http.Handler.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.opts.DisableLocalhostProtection && !checkHost(w, r) {
		e.refused.count(http.StatusForbidden)
		return
	}
	r = mcphttp.LastOf(r)
	if err := e.serve(w, r, &exchange{endpoint: e, principal: e.opts.Principal(r)}); err != nil {
		e.refuse(w, r, err)
	}
}

// serve serves a request. An error is for refuse to write.
func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request, x *exchange) error {
	modern, err := e.isModern(w, r)
	if err != nil {
		return err
	}
	if modern {
		return e.serveModern(w, r)
	}
	id := r.Header.Get(mcphttp.SessionID)
	if id != "" {
		if err := replay.Authorize(r.Context(), e.store, id, x.principal); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(withExchange(r.Context(), x))
	defer cancel()
	set := &e.calls
	stream, listens := "", false
	if r.Method == http.MethodGet && id != "" {
		if stream, listens = streamOf(r); listens {
			set = &e.listening
		}
	}
	out := sse.NewWriter(set, w, r, e.opts.WriteTimeout, cancel)
	if !set.Enter(out) {
		return errShutDown
	}
	defer set.Leave(out)
	if r.Method == http.MethodGet && id != "" {
		if err := takeOver(ctx, set, out, streamKey(id, stream)); err != nil {
			return err
		}
	}
	if id != "" {
		detach, err := e.attach(ctx, id)
		if err != nil {
			return err
		}
		defer detach()
	}
	if err := e.inspect(w, r, x, id); err != nil {
		return err
	}
	if listens {
		r = e.place(ctx, r, x, id)
	}
	x.opened = func(session, stream string) {
		if r.Method == http.MethodPost && stream != "" {
			e.calls.Take(streamKey(session, stream), out)
		}
	}
	resp := mcphttp.NewResponse(w, r, out, e.opts.Retry, e.opts.KeepAlive)
	resp.Answer = func(w http.ResponseWriter, status int) bool { return e.explain(w, r, x, status) }
	defer x.end()
	defer e.finish(resp, r)
	e.next.ServeHTTP(resp, r.WithContext(ctx))
	return nil
}

// serveModern serves a request without a session. Its stream has what the others have, but for a
// place. A subscription never ends by itself.
func (e *Endpoint) serveModern(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	set := &e.calls
	if r.Header.Get(mcphttp.Method) == "subscriptions/listen" {
		set = &e.listening
	}
	out := sse.NewWriter(set, w, r, e.opts.WriteTimeout, cancel)
	if !set.Enter(out) {
		return errShutDown
	}
	defer set.Leave(out)
	resp := mcphttp.NewResponse(w, r, out, 0, e.opts.KeepAlive)
	defer resp.Finish()
	e.modern.ServeHTTP(resp, r.WithContext(ctx))
	return nil
}

func (e *Endpoint) finish(resp *mcphttp.Response, r *http.Request) {
	resp.Finish()
	if resp.IsStream() && r.Method == http.MethodGet && r.Header.Get(mcphttp.LastEventID) != "" {
		e.resumed.Add(1)
	}
}

// takeOver makes out the one stream of key, and waits until the one before has been given up. Of
// several that do so at once, each waits for the one before it: whoever is ended meanwhile goes on
// waiting, so that its own successor finds the stream free.
func takeOver(ctx context.Context, set *sse.Set, out *sse.Writer, key string) error {
	if before := set.Take(key, out); before != nil {
		<-before.Gone()
	}
	if ctx.Err() != nil {
		return errReplaced
	}
	return nil
}

// attach holds the session open.
func (e *Endpoint) attach(ctx context.Context, id string) (detach func(), err error) {
	reader, err := e.store.Open(ctx, id, replay.Position{Live: true})
	if err != nil {
		return nil, err
	}
	return reader.Close, nil
}

// place gives a listening GET without Last-Event-ID the place where it begins. Where nobody knows
// its session it is the SDK's to answer.
func (e *Endpoint) place(ctx context.Context, r *http.Request, x *exchange, id string) *http.Request {
	if r.Header.Get(mcphttp.LastEventID) != "" {
		return r
	}
	for _, es := range e.known() {
		if index, ok := es.listen(ctx, id); ok {
			r = r.WithContext(ctx)
			r.Header = r.Header.Clone()
			r.Header.Set(mcphttp.LastEventID, eventID("", index))
			x.listens = true
			return r
		}
	}
	return r
}

// know remembers an EventStore that is in use behind this Endpoint. The SDK's handler does not tell
// which it has.
func (e *Endpoint) know(es *EventStore) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.stores, es) {
		e.stores = append(e.stores[:len(e.stores):len(e.stores)], es)
	}
}

func (e *Endpoint) known() []*EventStore {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stores
}

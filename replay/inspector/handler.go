// Package inspector shows in a browser what the sessions of a shard.Manager do: how many there are,
// how much they carry, which of them are in trouble, and why.
package inspector

import (
	"errors"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// A Handler is an http.Handler that shows what the sessions of a Manager do, as net/http/pprof
// shows what a process does: an overview with live charts, a table of all sessions that sorts and
// filters, and a page for each session with its window, streams, readers, health and the headers
// of its newest events.
//
//	inspect := &inspector.Handler{Manager: sessions}
//	mux.Handle("/inspector/", admins(inspect)) // any path that ends in a slash
//
// Mount it behind the application's own authentication: whoever reaches it sees every session's
// principal, volume and event headers. It cannot change anything. Session IDs are credentials, so
// it shows only how they begin: up to 8 bytes, and at most a quarter. URLs name sessions by
// handles that mean nothing outside this Handler. Payloads are shown if ShowPayloads is set.
//
// It serves GET and HEAD; other methods are 405. A foreign Origin is 403, by the rule of
// [replay.SameOrigin]. Its pages load nothing from elsewhere, contain no inline script or style,
// and are sent with a Content-Security-Policy that refuses both.
//
// It costs nothing while nobody looks. While somebody does, it samples the Manager's statistics
// once a second, however many look. It goes through the sessions at most once in two seconds, and
// for 5% of the time: about 3 µs and 130 bytes of memory for each, up to 250,000 of them. To sort
// 100,000 for an answer takes some 80 ms, one answer at a time. What it found in the sessions is
// dropped when it is too old to be shown. The samples stop five minutes after the last page was
// closed; Close stops them at once.
//
// No lock is held while an answer is written, and writing one may take 10 s: a client that does
// not read holds up nobody.
//
// Only Manager is required. Fields must not be changed once the Handler serves, nor may it be
// copied. All methods are safe for concurrent use.
type Handler struct {
	// Manager has the sessions that are shown.
	Manager *shard.Manager

	// Handlers serve the sessions; what their Stats add up to is shown with the Manager's.
	// Default: nothing is.
	Handlers []*replay.Handler

	// ShowPayloads adds to each event header the first 200 bytes of its data.
	ShowPayloads bool

	// AllowOrigin is asked about requests whose Origin header is not their own host, as that of
	// [replay.Handler]. Default: none is allowed.
	AllowOrigin func(*http.Request) bool

	once    sync.Once
	failed  error // why it could not start
	handles *handles
	own     *shard.Manager  // of the feeds, not of what is shown
	live    *replay.Handler // serves the feeds

	mu      sync.Mutex // held while a feed begins, and by Close
	running sync.WaitGroup

	// Held while the sessions are gone through, sorted, or one of them is read; never while
	// something is written.
	scan   sync.Mutex
	latest *census // guarded by scan; nil: none is kept
}

var errNoManager = errors.New("inspector: Handler has no Manager")

func (h *Handler) start() {
	if h.Manager == nil {
		h.failed = errNoManager
		return
	}
	h.handles, h.failed = newHandles()
	if h.failed == nil {
		h.own, h.failed = shard.New(feedConfig)
	}
	if h.failed != nil {
		return
	}
	h.live = &replay.Handler{
		Store: replay.Local(h.own), SessionID: feedID, AllowOrigin: h.AllowOrigin,
		Retry: feedRetry, OnGap: replay.GapFromOldest,
	}
}

// Close ends the live feeds and everything that runs for them. It is idempotent, and made for
// http.Server.RegisterOnShutdown. Pages are still served; live feeds are answered with 503.
func (h *Handler) Close() {
	h.once.Do(h.start)
	if h.failed != nil {
		return
	}
	h.live.Close()
	h.mu.Lock()
	h.own.Close()
	h.mu.Unlock()
	h.running.Wait()
}

// ServeHTTP serves one request. Only the last element of the path counts, so that it does not
// matter whether a prefix is stripped.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.once.Do(h.start)
	setHeader(w.Header())
	if err := h.serve(w, r); err != nil {
		re := refusalOf(err)
		http.Error(w, re.text, re.status)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return refuse(http.StatusMethodNotAllowed, "method not allowed")
	}
	if h.failed != nil {
		return refuse(http.StatusInternalServerError, h.failed.Error())
	}
	if !replay.SameOrigin(r) && (h.AllowOrigin == nil || !h.AllowOrigin(r)) {
		return refuse(http.StatusForbidden, "origin not allowed")
	}
	name := ""
	if p := r.URL.Path; p != "" && p[len(p)-1] != '/' {
		name = path.Base(p)
	}
	if name == "live" {
		return h.serveLive(w, r)
	}
	// A ResponseWriter without write deadlines is served without.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	switch name {
	case "sessions.json":
		return h.serveTable(w, r)
	case "session.json":
		return h.serveSession(w, r)
	}
	return serveAsset(w, r, name)
}

// writeTimeout is how long an answer may take to be written. Feeds have their own.
const writeTimeout = 10 * time.Second

// setHeader keeps everything on these pages to itself.
func setHeader(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

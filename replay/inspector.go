package replay

import (
	"errors"
	"net/http"
	"path"
	"sync"

	"github.com/reprise-go/reprise/shard"
)

// An Inspector is an http.Handler that shows what the sessions of a Manager do, as net/http/pprof shows what a process does: an
// overview with live charts, a table of all sessions that sorts and filters, and a page for each session with its window, streams,
// followers, health and the headers of its newest events.
//
//	inspector := &replay.Inspector{Manager: sessions}
//	mux.Handle("/inspector/", admins(inspector)) // any path that ends in a slash
//
// It must be mounted behind the application's own authentication: whoever reaches it sees every session's principal, volume and event
// headers. It cannot change anything. Session IDs are credentials, so it shows only how they begin, up to 8 bytes and at most a
// quarter, and names sessions in URLs by handles that mean nothing outside this Inspector. Payloads are shown if ShowPayloads is set.
//
// It serves GET and HEAD; other methods are 405. A foreign Origin is 403, by the rule of [Handler]. Its pages load nothing from
// elsewhere, contain no inline script or style, and are sent with a Content-Security-Policy that refuses both.
//
// It costs nothing while nobody looks. While somebody does, it samples the Manager's statistics once a second, however many look, and
// goes through the sessions at most once in two seconds and for 5% of the time: about 3 µs and 130 bytes of memory for each,
// up to 250,000 of them; to sort 100,000 for an answer takes some 80 ms, one answer at a time. Five minutes after the last look it stops. Close stops it at once.
//
// Only Manager is required. Fields must not be changed once the Inspector serves, nor may it be copied. All methods are safe for
// concurrent use.
type Inspector struct {
	// Manager has the sessions that are shown.
	Manager *shard.Manager

	// Handlers serve the sessions; what their Stats add up to is shown with the Manager's. Default: nothing is.
	Handlers []*Handler

	// ShowPayloads adds to each event header the first 200 bytes of its data.
	ShowPayloads bool

	// AllowOrigin is asked about requests whose Origin header is not their own host, as that of [Handler]. Default: none is allowed.
	AllowOrigin func(*http.Request) bool

	once    sync.Once
	failed  error // why it could not start
	handles *handles
	own     *shard.Manager // of the feeds, not of what is shown
	live    *Handler       // serves the feeds

	mu      sync.Mutex // held while a feed begins, and by Close
	running sync.WaitGroup

	look   sync.Mutex // held while the sessions are gone through, sorted, or one of them is read
	latest *census    // guarded by look; nil: none is kept
}

var errNoManager = errors.New("replay: Inspector has no Manager")

func (in *Inspector) start() {
	if in.Manager == nil {
		in.failed = errNoManager
		return
	}
	in.handles, in.failed = newHandles()
	if in.failed == nil {
		in.own, in.failed = shard.New(feedConfig)
	}
	if in.failed == nil {
		in.live = &Handler{Store: Local(in.own), SessionID: feedID, AllowOrigin: in.AllowOrigin, Retry: feedRetry, OnGap: GapFromOldest}
	}
}

// Close ends the live feeds and everything that runs for them. It is idempotent, and made for http.Server.RegisterOnShutdown.
func (in *Inspector) Close() {
	in.once.Do(in.start)
	if in.failed != nil {
		return
	}
	in.live.Close()
	in.mu.Lock()
	in.own.Close()
	in.mu.Unlock()
	in.running.Wait()
}

// ServeHTTP serves one request. Only the last element of the path counts, so that it does not matter whether a prefix is stripped.
func (in *Inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in.once.Do(in.start)
	setInspectorHeader(w.Header())
	if err := in.serve(w, r); err != nil {
		re := refusalOf(err)
		http.Error(w, re.text, re.status)
	}
}

func (in *Inspector) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return refuse(http.StatusMethodNotAllowed, "method not allowed")
	}
	if in.failed != nil {
		return refuse(http.StatusInternalServerError, in.failed.Error())
	}
	if err := in.live.checkOrigin(r); err != nil {
		return err
	}
	name := ""
	if p := r.URL.Path; p != "" && p[len(p)-1] != '/' {
		name = path.Base(p)
	}
	switch name {
	case "live":
		return in.serveLive(w, r)
	case "sessions.json":
		return in.serveTable(w, r)
	case "session.json":
		return in.serveSession(w, r)
	}
	return serveAsset(w, r, name)
}

// setInspectorHeader keeps everything on these pages to itself.
func setInspectorHeader(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

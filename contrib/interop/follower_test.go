package interop

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// site serves testdata and, at /events, the sessions of a Store.
type site struct {
	store   replay.Store
	server  *http.Server
	handler *replay.Handler
	seen    *tap
	addr    string
}

func newSite(t *testing.T, store replay.Store) *site {
	t.Helper()
	return newSiteOf(t, &replay.Handler{Store: store, Retry: 20 * time.Millisecond})
}

func newSiteOf(t *testing.T, h *replay.Handler) *site {
	t.Helper()
	s := &site{store: h.Store, handler: h}
	s.seen = &tap{next: s.handler}
	mux := http.NewServeMux()
	mux.Handle("/events", s.seen)
	mux.Handle("/", http.FileServer(http.Dir("testdata")))
	s.server = &http.Server{Handler: mux}
	s.server.RegisterOnShutdown(s.handler.Close)
	s.addr = listenAndServe(t, s.server, func() {})
	return s
}

// follower is a page that follows session s of a new Manager, through a proxy that cuts.
type follower struct {
	*tab
	session *shard.Session
	proxy   *proxy.Proxy
	site    *site
	stored  []ring.Event
}

func newFollower(t *testing.T) *follower {
	t.Helper()
	m := newManager(t, shard.Config{})
	return newFollowerOn(t, newSite(t, replay.Local(m)), create(t, m, "s", ""))
}

func newFollowerOn(t *testing.T, site *site, session *shard.Session) *follower {
	t.Helper()
	f := &follower{session: session, site: site}
	f.proxy = proxy.New(t, f.site.addr)
	f.tab = newTab(t, "")
	f.open(t, f.proxy.URL()+"/follow.html?session="+url.QueryEscape(f.session.ID()))
	return f
}

func (f *follower) add(t *testing.T, events ...ring.Event) {
	t.Helper()
	for _, e := range events {
		f.stored = append(f.stored, add(t, f.session, e))
	}
}

func (f *follower) fill(t *testing.T, n int) {
	t.Helper()
	f.stored = append(f.stored, fill(t, f.session, n)...)
}

// caughtUp waits until the page has as many events as were stored.
func (f *follower) caughtUp(t *testing.T) {
	t.Helper()
	f.until(t, fmt.Sprint("events.length >= ", len(f.stored)))
}

// cut breaks the connection inside what the next events make it carry, which must be more than upTo
// bytes.
func (f *follower) cut(t *testing.T, upTo int, next func()) {
	t.Helper()
	fuse, _ := f.proxy.CutAfter(1 + rand.IntN(upTo))
	next()
	testkit.Await(t, "the cut", fuse.Done)
}

// restart replaces the server by another on the same Store.
func (f *follower) restart(t *testing.T, meanwhile func()) {
	t.Helper()
	stop(t, f.site.server)
	meanwhile()
	f.site = newSite(t, f.site.store)
	f.proxy.To(f.site.addr)
}

func (f *follower) wantEverything(t *testing.T) {
	t.Helper()
	f.caughtUp(t)
	wantShown(t, value[[]shown](t, f.tab, "events"), f.stored)
}

package fuzz_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/replay"
)

// What a request has and how the Handler is configured, a bit each.
const (
	hasOrigin = 1 << iota
	twoOrigins
	allowOrigins
	overTLS
	fromOldest
	exclusive
	fromAlice
	behindStore
	hasBody
)

// FuzzHandlerHeaders sends one request with headers of any kind. The answer is the one that the
// documented order of refusals gives, it is never a 5xx, and a stream carries exactly the events
// that the position asks for.
func FuzzHandlerHeaders(f *testing.F) {
	seedHeaders(f)
	f.Fuzz(func(t *testing.T, knobs uint16, method, host, origin, accept, session, lastEventID, query string) {
		h := &replay.Handler{Exclusive: knobs&exclusive != 0, Keep: replay.KeepFirst}
		if knobs&fromOldest != 0 {
			h.OnGap = replay.GapFromOldest
		}
		if knobs&allowOrigins != 0 {
			h.AllowOrigin = func(r *http.Request) bool { return strings.HasSuffix(r.Header.Get("Origin"), "friend") }
		}
		w := newWorld(t, h)
		if knobs&behindStore != 0 {
			h.Store = struct{ replay.Store }{h.Store} // as good as anybody's
		}
		r := &http.Request{Method: method, Host: host, URL: &url.URL{Path: "/", RawQuery: query},
			Header: http.Header{}, ProtoMajor: 1}
		set(r, "Mcp-Session-Id", session)
		set(r, "Accept", strings.Split(accept, "|")...)
		id, _ := named(r, "Mcp-Session-Id", "session")
		set(r, "Last-Event-Id", w.expand(lastEventID, id))
		if knobs&overTLS != 0 {
			r.TLS = &tls.ConnectionState{}
		}
		if knobs&hasOrigin != 0 {
			r.Header["Origin"] = []string{origin}
		}
		if knobs&twoOrigins != 0 {
			r.Header.Add("Origin", origin)
		}
		if knobs&fromAlice != 0 {
			r.Header.Set("X-Who", "alice")
		}
		if knobs&exclusive != 0 && id == "busy" {
			defer w.occupy("busy")()
		}
		if knobs&hasBody != 0 {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("body")), 4
		}
		w.check(r, w.serve(r))
	})
}

// set sets a header unless its only value is empty.
func set(r *http.Request, name string, values ...string) {
	if len(values) > 1 || values[0] != "" {
		r.Header[name] = values
	}
}

// check compares the answer with what the documentation says, and its consequences.
func (w *world) check(r *http.Request, got *httptest.ResponseRecorder) {
	w.Helper()
	want, id, log, from := w.verdict(r)
	if !slices.Contains(want.statuses, got.Code) {
		w.Fatalf("%s %q, Host %q, headers %q: answer is %d %q, want %v", r.Method, r.URL.RawQuery, r.Host, r.Header,
			got.Code, got.Body, want.statuses)
	}
	switch got.Code {
	case http.StatusOK:
		w.checkStream(r, got, log, from)
	case http.StatusMethodNotAllowed:
		if allow := got.Header().Get("Allow"); allow != "GET, HEAD, DELETE" {
			w.Fatalf("Allow is %q", allow)
		}
	case http.StatusNotFound:
		w.checkTellsNothing(r.Method, got)
	}
	_, err := w.manager.Get(id)
	deleted := r.Method == http.MethodDelete && got.Code == http.StatusNoContent
	if alive := err == nil; alive != (w.logs[id] != nil && !deleted) {
		w.Fatalf("after %s was answered with %d, the session is alive: %v", r.Method, got.Code, alive)
	}
}

// verdict returns the possible answers and, for a stream, its log and position.
func (w *world) verdict(r *http.Request) (v verdict, id string, log *plainLog, from plainCursor) {
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	v.add(http.StatusMethodNotAllowed, when(!get && r.Method != http.MethodDelete))
	if allow := w.handler.AllowOrigin; allow == nil || !allow(r) {
		v.add(http.StatusForbidden, foreign(r.Header["Origin"], r.Host, r.TLS != nil))
	}
	id, _ = named(r, "Mcp-Session-Id", "session")
	last, lost := "", false
	if get {
		v.add(http.StatusNotAcceptable, excludesEventStream(r.Header["Accept"]))
		last, lost = lastEventID(r)
	}
	v.add(http.StatusBadRequest, when(id == "" || malformedEventID(last) || get && r.ContentLength > 0))
	if lost {
		v.add(http.StatusBadRequest, perhaps)
	}
	log = w.logs[id]
	v.add(http.StatusNotFound, when(log == nil || w.owners[id] != r.Header.Get("X-Who")))
	if v.decided {
		return v, id, nil, from
	}
	if !get {
		v.add(http.StatusNoContent, yes)
		return v, id, nil, from
	}
	v.add(http.StatusConflict, when(w.handler.Exclusive && id == "busy"))
	from, err := log.seek(last)
	from.one = false // every stream, whatever the event's
	gap := err != nil
	v.add(http.StatusGone, when(gap && w.handler.OnGap == replay.GapError))
	nothing := from
	_, more := log.next(&nothing)
	v.add(http.StatusNoContent, when((id == "finished" || id == "empty") && !more && !gap))
	if id == "empty" && gap { // that has finished, and nothing can be missing but what is not known
		v.add(http.StatusNoContent, perhaps)
	}
	v.add(http.StatusOK, yes)
	return v, id, log, from
}

// checkStream wants the headers of a stream, a comment, the retry time and then the events from the
// position on.
func (w *world) checkStream(r *http.Request, got *httptest.ResponseRecorder, log *plainLog, from plainCursor) {
	w.Helper()
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no",
	} {
		if value := got.Header().Get(name); value != want {
			w.Fatalf("%s is %q, want %q", name, value, want)
		}
	}
	if r.Method == http.MethodHead {
		if got.Body.Len() > 0 {
			w.Fatalf("the answer to HEAD has a body: %q", got.Body)
		}
		return
	}
	stream := parseEventStream(got.Body.Bytes())
	var want []dispatched
	last, _ := lastEventID(r)
	_, err := log.seek(last)
	if err != nil || last == "" && log.first() > 1 && w.handler.OnGap == replay.GapFromOldest {
		place := fmt.Sprint(".", log.first()-1)
		if len(stream.events) == 0 || stream.events[0].typ != "gap" ||
			!strings.HasSuffix(stream.events[0].lastEventID, place) {
			w.Fatalf("a stream after a gap is %+v", stream)
		}
		want, from = stream.events[:1:1], plainCursor{seq: log.first() - 1}
	}
	for e, more := log.next(&from); more; e, more = log.next(&from) {
		want = append(want, arriving(e))
	}
	if !slices.Equal(stream.events,
		want) || stream.comments == 0 || stream.retry != "3000" || stream.ignored > 0 || stream.unended {
		w.Fatalf("stream %q has %+v, want %+v", got.Body, stream, want)
	}
}

// checkTellsNothing wants the same answer as for a session that there never was.
func (w *world) checkTellsNothing(method string, got *httptest.ResponseRecorder) {
	w.Helper()
	unknown := w.serve(httptest.NewRequest(method, "/?session=nobody-has-this", nil))
	if unknown.Code != got.Code || !maps.EqualFunc(unknown.Header(), got.Header(),
		slices.Equal) || unknown.Body.String() != got.Body.String() {
		w.Fatalf("404 is %v %q, for an unknown session %v %q", got.Header(), got.Body, unknown.Header(), unknown.Body)
	}
}

// seedHeaders adds a seed for each way to be refused, each way to be served and the borders between
// them.
func seedHeaders(f *testing.F) {
	ids := []string{"", "own", "gone", "TAG-2", "TAG-3", "TAG-4", "TAG-9", "TAG-10", "TAG-04", "TAG.2", "TAG.3",
		"TAG.9", "TAG.10", "TAG.03", "TAG.", "a\x00", "a\r", "\xff", long(256), long(1024), long(1025), " own"}
	for _, id := range ids {
		for i, session := range []string{"live", "finished", "empty", "hers", "busy", "ended", "nobody", "", "a b",
			long(200)} {
			f.Add(uint16(i*37), "GET", "h", "", "", session, id, "")
		}
		f.Add(uint16(0), "GET", "h", "", "*/*", "", "", "session=live&last_event_id="+url.QueryEscape(id))
	}
	f.Add(uint16(fromOldest), "GET", "h", "", "", "empty", "x", "") // 204 or a gap: both are documented
	for _, accept := range []string{"text/event-stream", "text/*;q=0", "*/*;q=0, text/*",
		"text/event-stream;q=0,*/*", "TEXT/Event-Stream",
		"application/json",
		"application/json|text/event-stream", "|", ",", "text/event-stream;q=0.000", "text/event-stream;q=0.001",
		"text/event-stream;q=x",
		"text/event-stream;level=1;q=0", `a/b;x=",text/event-stream"`, "*", "text/event-stream, text/event-stream;q=0", "*/*;q=1.0", "text/*;q=0,*/*"} {
		f.Add(uint16(0), "GET", "h", "", accept, "live", "own", "")
	}
	for _, origin := range []string{"http://h", "https://h", "HTTP://H:80", "https://h:443", "http://h:443",
		"http://h:81", "null", "",
		"http://h/", "http://h:", "h",
		"http://evil", "http://friend", "http://h.evil", "http://u@h", "ftp://h", "http://[::1]", "http://[::1]:80"} {
		for _, host := range []string{"h", "h:80", "H:443", "[::1]", "", "h:"} {
			for _, knobs := range []uint16{hasOrigin, hasOrigin | allowOrigins, hasOrigin | overTLS,
				hasOrigin | twoOrigins} {
				f.Add(knobs, "GET", host, origin, "", "live", "", "")
			}
		}
	}
	for _, method := range []string{"GET", "DELETE", "POST", "HEAD", "OPTIONS", "get", "", "G T"} {
		for _, query := range []string{"", "session=live", "session=hers", "session=%zz&last_event_id=own", "a;b",
			"session=ended", "session=finished"} {
			f.Add(uint16(fromAlice), method, "h", "", "", "", "", query)
			f.Add(uint16(hasOrigin), method, "h", "http://evil", "text/html", "", "\x00", query)
		}
	}
}

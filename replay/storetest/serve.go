package storetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func serving() []test {
	return []test{
		{name: "behind a Handler: refuses what it must with the right status", run: handlerRefuses},
		{name: "behind a Handler: follows a session to its end", run: handlerFollows},
		{name: "behind a Handler: tells the client of a finished session that it has everything", needs: Finishing,
			run: handlerFinishes},
	}
}

// handler serves the Store to the principal that a request's header names.
func (k *kit) handler() *replay.Handler {
	return &replay.Handler{Store: k.any(), Principal: func(r *http.Request) string { return r.Header.Get("Principal") }}
}

// ask sends a request for a session to a Handler and returns its whole answer.
func (k *kit) ask(method, session, principal, lastEventID string) *httptest.ResponseRecorder {
	return k.askOf(k.handler(), method, session, principal, lastEventID)
}

func (k *kit) askOf(h *replay.Handler, method, session, principal, lastEventID string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(k.ctx, method, "/?session="+session, http.NoBody)
	r.Header.Set("Principal", principal)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func handlerRefuses(k *kit) {
	k.start(Config{})
	k.createWith("mine", shard.Metadata{Principal: "me"})
	k.create("nobody's")
	k.create("ended")
	k.terminate("ended")
	for _, c := range []struct {
		method, session, principal, last string
		want                             int
	}{
		{"GET", "unknown", "", "", 404},
		{"GET", "ended", "", "", 404},
		{"GET", "mine", "them", "", 404},
		{"GET", "mine", "", "", 404},
		{"GET", "nobody's", "me", "", 404},
		{"GET", "", "", "", 400},
		{"GET", "mine", "them", "unknown", 404},
		{"GET", "mine", "me", "unknown", 410},
		{"DELETE", "unknown", "", "", 404},
		{"DELETE", "mine", "them", "", 404},
		{"DELETE", "mine", "me", "", 204},
		{"DELETE", "mine", "me", "", 404},
		{"GET", "mine", "me", "", 404},
	} {
		if got := k.ask(c.method, c.session, c.principal, c.last).Code; got != c.want {
			k.Errorf("%s of %q by %q after %q: %d, want %d", c.method, c.session, c.principal, c.last, got, c.want)
		}
	}
}

var dataLines = regexp.MustCompile(`(?m)^data: ?(.*)$`)

// texts returns the data of the events in an answer.
func texts(w *httptest.ResponseRecorder) string {
	var all []string
	for _, m := range dataLines.FindAllStringSubmatch(w.Body.String(), -1) {
		all = append(all, m[1])
	}
	return strings.Join(all, " ")
}

func handlerFollows(k *kit) {
	k.start(Config{})
	k.create("s")
	first := k.add("s", "0")[0].ID
	answers := make(chan *httptest.ResponseRecorder, 2)
	h := k.handler()
	for range 2 {
		go func() { answers <- k.askOf(h, "GET", "s", "", first) }()
	}
	// Attached will not do: a reader may be attached while it is yet to look for the place, and is
	// refused if the session ends then.
	k.eventually("two streams have begun", func() bool { return h.Stats().Streams == 2 })
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
		k.add("s", fmt.Sprint(i))
	}
	k.terminate("s")
	for range 2 {
		w := <-answers
		k.equal("status", w.Code, 200)
		k.equal("events", texts(w), strings.Join(want, " "))
	}
}

func handlerFinishes(k *kit) {
	k.start(Config{})
	k.create("s")
	stored := k.add("s", "1", "2")
	k.finish("s")
	w := k.ask("GET", "s", "", stored[0].ID)
	k.equal("status", w.Code, 200)
	k.equal("events", texts(w), "2")
	k.equal("status of a client that has everything", k.ask("GET", "s", "", stored[1].ID).Code, 204)
}

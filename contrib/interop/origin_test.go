package interop

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestForeignOriginsAreRefused(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	add(t, s, ring.Event{Data: []byte(secret)})
	h := &replay.Handler{Store: replay.Local(m)}
	addr := listen(t, h, h.Close)
	_, port, _ := net.SplitHostPort(addr)
	for _, origin := range []string{
		"null", "http://evil.example", "https://evil.example", "http://127.0.0.1:1", "http://127.0.0.1",
		"http://localhost:" + port, "http://[::1]:" + port,
		"http://" + addr + ".evil.example", "http://evil.example#" + addr, "http://evil.example?" + addr,
		"http://" + addr + "@evil.example",
		"http://evil.example\\@" + addr, "http://user@" + addr, "file://", "chrome-extension://" + addr,
		"ftp://" + addr, "//" + addr, addr,
		"http://" + addr + "/", "http://" + addr + " http://evil.example", "http://" + addr + ",http://evil.example",
		"http://0x7f.1:" + port,
	} {
		for _, method := range []string{"GET", "DELETE"} {
			request := fmt.Sprintf(
				"%s /?session=s HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nConnection: close\r\n\r\n",
				method,
				addr,
				origin,
			)
			if answer := rawStream(t, addr, request); status(answer) != 403 || strings.Contains(answer, secret) ||
				strings.Contains(answer, "Access-Control") {
				t.Errorf("%s of %q: %q", method, origin, answer)
			}
		}
	}
	own := fmt.Sprintf("GET /?session=s HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\n\r\n", addr, addr)
	if answer := rawStream(t, addr, own); status(answer) != 200 {
		t.Errorf("its own origin: %q", answer)
	}
}

// A page elsewhere, in a real browser, that knows even the session's ID.
func TestAForeignPageCannotReadOrEndASession(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	add(t, s, ring.Event{Data: []byte(secret)})
	victim, evil := newSite(t, replay.Local(m)), newSite(t, replay.Local(m))
	tab := newTab(t, "")
	stream := "http://" + victim.addr + "/events?session=s"
	tab.open(t, "http://"+evil.addr+"/steal.html?url="+url.QueryEscape(stream))
	tab.until(t, "Object.keys(outcomes).length === 5")
	got := value[map[string]string](t, tab, "outcomes")
	for _, try := range []string{"plain", "withHeader", "terminate"} {
		if got[try] != "refused" {
			t.Errorf("%s: %q", try, got[try])
		}
	}
	if got["blind"] != "opaque" || got["eventSource"] != "closed" {
		t.Errorf("%q", got)
	}
	if stolen := value[int](t, tab, "stolen"); stolen != 0 || m.Stats().Active != 1 {
		t.Errorf("%d stolen, %d sessions left", stolen, m.Stats().Active)
	}
	// The blind request alone is served: a browser sends no Origin with it, because the page is
	// told nothing, not even the status.
	if answers := victim.seen.answers(); len(
		slices.DeleteFunc(answers, func(code int) bool { return code == 403 }),
	) > 1 {
		t.Errorf("answers %d", victim.seen.answers())
	}
}

// A name that was rebound to a loopback address makes a foreign page same-origin: the browser sends
// no Origin, or one that agrees with the Host. The Handler cannot tell, and says so; the embedder
// can, by the Host, as here.
func TestAnEmbedderThatChecksTheHostIsSafeFromReboundNames(t *testing.T) {
	m := newManager(t, shard.Config{})
	add(t, create(t, m, "s", ""), ring.Event{Data: []byte(secret)})
	site := newSite(t, replay.Local(m))
	checked := listen(t, checkHost(http.HandlerFunc(site.server.Handler.ServeHTTP)), func() {})
	tab := newTab(t, "MAP rebound.test 127.0.0.1")
	for addr, shows := range map[string]bool{site.addr: true, checked: false} {
		_, port, _ := net.SplitHostPort(addr)
		tab.open(t, "http://rebound.test:"+port+"/follow.html?session=s")
		if shows {
			tab.until(t, "events.length === 1")
		} else if body := value[string](t, tab, "document.body.innerText"); strings.TrimSpace(body) != "wrong host" {
			t.Errorf("the page is %q", body)
		}
	}
	own := rawStream(
		t,
		checked,
		fmt.Sprintf("GET /events?session=s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", checked),
	)
	if status(own) != http.StatusOK {
		t.Errorf("the server's own name: %q", own)
	}
}

// checkHost lets requests pass that were sent to an address of this machine by its number.
func checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil || net.ParseIP(host) == nil {
			http.Error(w, "wrong host", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// The official SDK checks it itself on loopback addresses; Middleware in front changes nothing
// about that.
func TestAnMCPServerRefusesReboundNames(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	session, _ := begin(t, b, "")
	for _, attack := range []string{post("", "", initialize), post(session, "",
		`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`),
		request("GET", "/mcp", "", "Accept: text/event-stream", "Mcp-Session-Id: "+session), request("DELETE", "/mcp",
			"", "Mcp-Session-Id: "+session)} {
		rebound := strings.Replace(attack, "Host: 127.0.0.1", "Host: rebound.test", 1)
		if answer := rawStream(t, b.addr, rebound); status(answer) != http.StatusForbidden {
			t.Errorf("%.300q", answer)
		}
	}
	if n := b.manager.Stats().Active; n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// The Host is looked at before the session: a rebound page does not learn whether one exists.
func TestAReboundPageCannotTellASessionThatExists(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	session, _ := begin(t, b, "")
	answers := map[string]int{}
	for name, id := range map[string]string{"existing": session, "unknown": "unknown"} {
		attack := strings.Replace(
			request("GET", "/mcp", "", "Accept: text/event-stream", "Mcp-Session-Id: "+id),
			"Host: 127.0.0.1",
			"Host: rebound.test",
			1,
		)
		answers[name] = status(rawStream(t, b.addr, attack))
	}
	if answers["existing"] != answers["unknown"] {
		t.Errorf("%v", answers)
	}
}

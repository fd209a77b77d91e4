package replay

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		name, host, origin string
		tls                bool
		want               bool
	}{
		{"the same host and port", "localhost:8080", "http://localhost:8080", false, true},
		{"the default port of http", "example.com", "http://example.com:80", false, true},
		{"the default port, given in Host", "example.com:80", "http://example.com", false, true},
		{"TLS ended by a proxy", "example.com", "https://example.com", false, true},
		{"TLS ended by a proxy that names the port", "example.com:443", "https://example.com", false, true},
		{"TLS", "example.com", "https://example.com", true, true},
		{"whatever the case", "Example.COM", "HTTPS://exaMPLE.com", true, true},
		{"IPv6", "[::1]:8080", "http://[::1]:8080", false, true},
		{"IPv6 without port", "[::1]", "http://[::1]", false, true},
		{"a plain page of a host with TLS", "example.com:443", "http://example.com:443", true, false},
		{"another host", "example.com", "http://evil.example", false, false},
		{"a subdomain", "example.com", "http://evil.example.com", false, false},
		{"a host that begins the same", "example.com", "http://example.com.evil", false, false},
		{"another port", "localhost:8080", "http://localhost:8081", false, false},
		{"the default port against another", "example.com:8080", "http://example.com", false, false},
		{"http against the port of https", "example.com:443", "http://example.com", false, false},
		{"null", "example.com", "null", false, false},
		{"null as a host", "null", "null", false, false},
		{"empty", "example.com", "", false, false},
		{"no scheme", "example.com", "example.com", false, false},
		{"another scheme", "example.com", "file://example.com", false, false},
		{"user information", "example.com", "http://evil@example.com", false, false},
		{"a path", "example.com", "http://example.com/", false, false},
		{"two in one", "example.com", "http://example.com, http://evil.example", false, false},
		{"no host in the request", "", "http://", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = c.host
			r.Header["Origin"] = []string{c.origin}
			if c.tls {
				r.TLS = new(tls.ConnectionState)
			}
			var h Handler
			if got := h.checkOrigin(r) == nil; got != c.want {
				t.Errorf("admitted: %v, want %v", got, c.want)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		var h Handler
		wantErr(t, h.checkOrigin(httptest.NewRequest("GET", "/", nil)), nil)
	})
	t.Run("two headers are foreign", func(t *testing.T) {
		var h Handler
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Origin"] = []string{"http://example.com", "http://example.com"}
		if h.checkOrigin(r) == nil {
			t.Error("admitted")
		}
	})
	t.Run("AllowOrigin decides about foreign ones alone", func(t *testing.T) {
		asked := 0
		h := Handler{
			AllowOrigin: func(r *http.Request) bool { asked++; return r.Header.Get("Origin") == "https://app.example" },
		}
		for origin, want := range map[string]bool{"https://app.example": true, "https://evil.example": false,
			"http://example.com": true} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Origin", origin)
			if got := h.checkOrigin(r) == nil; got != want {
				t.Errorf("%s admitted: %v, want %v", origin, got, want)
			}
		}
		equal(t, "asked", asked, 2)
	})
}

func TestAccept(t *testing.T) {
	for _, c := range []struct {
		accept []string
		want   bool
	}{
		{nil, true},
		{[]string{""}, true},
		{[]string{"text/event-stream"}, true},
		{[]string{"TEXT/Event-Stream"}, true},
		{[]string{"text/event-stream; charset=utf-8"}, true},
		{[]string{"*/*"}, true},
		{[]string{"text/*"}, true},
		{[]string{"application/json, text/event-stream"}, true},
		{[]string{"application/json", "text/event-stream"}, true},
		{[]string{"text/html;q=0.9,*/*;q=0.1"}, true},
		{[]string{"text/event-stream;q=0.001"}, true},
		{[]string{"text/event-stream;q=nonsense"}, true},
		{[]string{"text/event-stream, text/*;q=0, */*;q=0"}, true},
		{[]string{"*/*;q=0, text/*"}, true},
		{[]string{"text/event-stream;q=0, text/event-stream"}, true},
		{[]string{"application/json"}, false},
		{[]string{"text/html, application/*"}, false},
		{[]string{"text/event-stream;q=0"}, false},
		{[]string{"text/event-stream;q=0.000"}, false},
		{[]string{"text/event-stream; Q = 0"}, false},
		{[]string{"text/event-stream;charset=utf-8;q=0"}, false},
		{[]string{"*/*, text/event-stream;q=0"}, false},
		{[]string{"text/event-stream;q=0, */*"}, false},
		{[]string{"text/*;q=0, */*"}, false},
		{[]string{"*"}, false},
		{[]string{"text/event-streams"}, false},
	} {
		t.Run(strings.Join(c.accept, "|"), func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header["Accept"] = c.accept
			if got := checkAccept(r) == nil; got != c.want {
				t.Errorf("accepted: %v, want %v", got, c.want)
			}
		})
	}
}

func TestSessionIDComesFromHeaderThenQuery(t *testing.T) {
	m := newManager(t, shard.Config{})
	for _, id := range []string{"of-header", "of-query", "of-func"} {
		add(t, create(t, m, id, ""), id)
	}
	for _, c := range []struct{ name, header, query, want string }{
		{"header", "of-header", "", "of-header"},
		{"query", "", "?session=of-query", "of-query"},
		{"header before query", "of-header", "?session=of-query", "of-header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/"+c.query, nil)
			if c.header != "" {
				r.Header.Set("Mcp-Session-Id", c.header)
			}
			equal(t, "data", get(t, &Handler{Store: Local(m)}, r).events()[0].Data, c.want)
		})
	}
	h := &Handler{Store: Local(m), SessionID: func(r *http.Request) string {
		return strings.TrimPrefix(r.URL.Path,
			"/")
	}}
	equal(t, "data", get(t, h, httptest.NewRequest("GET", "/of-func?session=of-query", nil)).events()[0].Data,
		"of-func")
	equal(t, "status", get(t, h, httptest.NewRequest("GET", "/?session=of-query", nil)).Code, 400)
}

func TestLastEventIDComesFromHeaderThenQuery(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	var ids []string
	for _, e := range fill(t, s, 4) {
		ids = append(ids, e.ID)
	}
	h := &Handler{Store: Local(m)}
	for _, c := range []struct {
		name, header, query string
		want                int
	}{
		{"none", "", "", 4},
		{"header", ids[1], "", 2},
		{"query", "", ids[2], 1},
		{"header before query, which is older after a reconnect", ids[2], ids[0], 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/?session=s&last_event_id="+c.query, nil)
			if c.header != "" {
				r.Header.Set("Last-Event-ID", c.header)
			}
			equal(t, "events", len(get(t, h, r).events()), c.want)
		})
	}
	h.Position = func(r *http.Request) Position { return Position{LastEventID: ids[0]} }
	equal(t, "events after Position's own", len(get(t, h, httptest.NewRequest("GET", "/?session=s&last_event_id=x",
		nil)).events()), 3)
}

func TestMalformedLastEventIDIs400(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	longest := strings.Repeat("é", 128)
	if _, err := s.Append(ring.Event{ID: longest}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, id, query string
		want            int
	}{
		{"256 bytes are fine", longest, strings.Repeat("%C3%A9", 128), 200},
		{"1024 bytes may be an ID elsewhere", strings.Repeat("x", 1024), strings.Repeat("x", 1024), 410},
		{"1025 bytes", strings.Repeat("x", 1025), strings.Repeat("x", 1025), 400},
		{"not UTF-8", "a\xff", "a%FF", 400},
		{"NUL", "a\x00", "a%00", 400},
		{"CR", "a\rb", "a%0Db", 400},
		{"LF", "a\nb", "%0A", 400},
		{"broken escape", "a\n", "%ZZ", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &Handler{Store: Local(m)}
			r := httptest.NewRequest("GET", "/?session=s", nil)
			r.Header["Last-Event-Id"] = []string{c.id}
			equal(t, "status by header", get(t, h, r).Code, c.want)
			equal(t, "status by query", get(t, h, httptest.NewRequest("GET", "/?session=s&last_event_id="+c.query,
				nil)).Code, c.want)
			h.Position = func(*http.Request) Position { return Position{LastEventID: c.id} }
			equal(t, "status by Position", get(t, h, httptest.NewRequest("GET", "/?session=s", nil)).Code, c.want)
		})
	}
}

// net/http looks out for a client that goes only when it has read the request's body, which nobody
// reads here.
func TestGetWithABodyIs400(t *testing.T) {
	for name, length := range map[string]int64{"of known length": 5, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			var h Handler
			r := httptest.NewRequest("GET", "/?session=any", strings.NewReader("hello"))
			r.ContentLength = length
			equal(t, "status", get(t, &h, r).Code, 400)
		})
	}
}

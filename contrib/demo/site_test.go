package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/shard"
)

func TestServeShowsAStreamThatIsCutAndTheInspector(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out := &firstURL{url: make(chan string, 1)}
	code := make(chan int)
	go func() { code <- run(ctx, []string{"serve", "-addr", "127.0.0.1:0"}, &screen{Writer: out}, io.Discard) }()
	home := strings.TrimSuffix(<-out.url, path)
	web := &http.Client{Transport: &http.Transport{}}
	defer web.CloseIdleConnections()
	send := func(method, target string, header ...string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), method, home+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return web.Do(r)
	}
	read := func(method, target string, want int) string {
		t.Helper()
		resp, err := send(method, target)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%s %s: %s, %v, %s", method, target, resp.Status, err, body)
		}
		return string(body)
	}
	if !strings.Contains(read("GET", "/", 200), "site/site.js") ||
		!strings.Contains(read("GET", inspectorPath, 200), "Inspector") {
		t.Error("a page is not what it should be")
	}
	session := read("POST", "/start", 200)
	read("POST", "/cut?session="+session, 409)

	resp, err := send("GET", "/events?session="+session)
	if err != nil {
		t.Fatal(err)
	}
	lines, first := bufio.NewReader(resp.Body), ""
	for line := ""; !strings.HasPrefix(line, "data: "); {
		if strings.HasPrefix(line, "id: ") { // of the place where the stream begins, then of the event
			first = line
		}
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	read("POST", "/cut?session="+session, 204)
	if _, err := io.Copy(io.Discard, lines); err == nil {
		t.Error("the stream ends as if nothing were wrong")
	}
	resp.Body.Close()

	resp, err = send("GET", "/events?session="+session, "Last-Event-ID", strings.TrimSpace(first[len("id: "):]))
	if err != nil {
		t.Fatal(err)
	}
	second := ""
	for lines = bufio.NewReader(resp.Body); !strings.HasPrefix(second, "data: "); {
		if second, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(second, `"n":2,`) {
		t.Errorf("it goes on with %s", second)
	}
	if table := read("GET", inspectorPath+"sessions.json", 200); !strings.Contains(table, `"transport":"sse"`) ||
		strings.Contains(table, session) {
		t.Errorf("the Inspector's table: %s", table)
	}
	stop() // while the stream is open
	if c := <-code; c != 0 {
		t.Errorf("exit code %d", c)
	}
	resp.Body.Close()
}

func TestTheSiteIsForLocalhostAlone(t *testing.T) {
	b, err := newBackend("127.0.0.1:0", comeBack, true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	for _, c := range []struct {
		method, target, host, origin string
		want                         int
	}{
		{"GET", inspectorPath, "127.0.0.1", "", 200},
		{"GET", inspectorPath, "localhost:8080", "", 200},
		{"GET", inspectorPath, "rebound.example", "", 403},
		{"GET", "/", "rebound.example:8080", "", 403},
		{"POST", "/start", "127.0.0.1", "https://evil.example", 403},
		{"POST", "/cut?session=x", "127.0.0.1", "https://evil.example", 403},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		b.web.Handler.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s on %s from %q: %d, want %d", c.method, c.target, c.host, c.origin, w.Code, c.want)
		}
	}
	for addr, want := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "localhost": true,
		"0.0.0.0:80": false, "[::]:80": false, "192.0.2.1:80": false} {
		if isLoopback(addr) != want {
			t.Errorf("%s", addr)
		}
	}
}

func TestAStreamThatNobodyFollowsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s := newSite(m)
		defer s.close()
		w := httptest.NewRecorder()
		s.start(w, httptest.NewRequest("POST", "/start", nil))
		session, err := m.Get(w.Body.String())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(forsaken)
		if session.Err() != nil {
			t.Error("it gives up too early")
		}
		time.Sleep(2 * wordPause)
		if session.Err() == nil {
			t.Error("it speaks to nobody for ever")
		}
	})
}

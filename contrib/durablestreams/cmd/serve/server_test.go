package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/internal/testkit"
)

// A line is a raw connection.
type line struct {
	t testing.TB
	net.Conn
	in *bufio.Reader
}

func dial(t testing.TB, addr string) *line {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(testkit.Patience))
	return &line{t, c, bufio.NewReader(c)}
}

func (l *line) send(text string) {
	l.t.Helper()
	if _, err := io.WriteString(l, text); err != nil {
		l.t.Error(err)
	}
}

const head = "POST /s HTTP/1.1\r\nHost: h\r\n" // what follows is left to say

func post(path, body string) string {
	head := strings.Replace(head, "/s", path, 1)
	return fmt.Sprintf("%sContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

func get(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n" }

// answer reads one answer, of which it wants status and body.
func (l *line) answer(status int, body string) *http.Response {
	l.t.Helper()
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status || body != "*" && string(got) != body {
		l.t.Fatalf("%s, %v, %.200q; want %d, %.200q", res.Status, err, got, status, body)
	}
	return res
}

// ends wants the server to close the connection, which it may say.
func (l *line) ends() string {
	l.t.Helper()
	text, err := io.ReadAll(l.in)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		l.t.Fatal(err)
	}
	return string(text)
}

const put = "PUT /s HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"

// Requests that net/http serves and others come in any order on one connection, also in one write.
func TestBothServersShareAConnection(t *testing.T) {
	addr := start(t, openMemory)
	l := dial(t, addr)
	long := strings.Repeat("0123456789abcdef", maxBuffered/16) + "!"
	for range 2 {
		l.send(put + post("/s", "a") + get("/s?offset=-1&live=long-poll") + post("/s", "b") + get("/s"))
		l.answer(http.StatusCreated, "")
		l.answer(http.StatusNoContent, "")
		l.answer(http.StatusOK, "a")
		l.answer(http.StatusNoContent, "")
		l.answer(http.StatusOK, "ab")
		l.send("DELETE /s HTTP/1.1\r\nHost: h\r\n\r\n")
		l.answer(http.StatusNoContent, "")
	}
	l = dial(t, addr)
	l.send(put + post("/s", long) + get("/s") + "HEAD /s HTTP/1.1\r\nHost: h\r\n\r\n")
	l.answer(http.StatusCreated, "")
	l.answer(http.StatusNoContent, "")
	if res := l.answer(http.StatusOK, long); res.Header.Get("Stream-Up-To-Date") != "true" {
		t.Errorf("a long answer has %v", res.Header)
	}
	res, err := http.ReadResponse(l.in, &http.Request{Method: http.MethodHead})
	if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%v, %v", res, err)
	}
}

func TestAReaderThatFollowsIsServedByNetHTTPHoweverItsURLIsWritten(t *testing.T) {
	addr := start(t, openMemory)
	for i, live := range []string{"live", "l%69ve"} {
		l, path := dial(t, addr), fmt.Sprint("/s", i)
		l.send(strings.ReplaceAll(put+post("/s", "a")+get("/s?offset=-1&"+live+"=sse"), "/s", path))
		l.answer(http.StatusCreated, "")
		l.answer(http.StatusNoContent, "")
		res, err := http.ReadResponse(l.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(res.Body)
		for _, message := range []string{"a", "b", "c"} {
			if message != "a" {
				m := dial(t, addr)
				m.send(post(path, message))
				m.answer(http.StatusNoContent, "")
			}
			for text := ""; text != "data:"+message+"\n"; {
				if text, err = r.ReadString('\n'); err != nil {
					t.Fatalf("%s: before %s: %v", live, message, err)
				}
			}
		}
	}
}

func TestBodiesComeInPieces(t *testing.T) {
	addr := start(t, openMemory, func(h *durablestreams.Handler) {
		h.Limits.MaxBytes, h.Limits.MaxEventBytes = 1<<20, 1<<20
	})
	l := dial(t, addr)
	l.send(put)
	l.answer(http.StatusCreated, "")
	l.send(head + "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
	l.send("2\r\nde\r\n0\r\n\r\n" + get("/s"))
	l.answer(http.StatusNoContent, "")
	l.answer(http.StatusOK, "abcde")
	l.send(head + "Content-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
	if res, err := http.ReadResponse(l.in, nil); err != nil || res.StatusCode != http.StatusContinue {
		t.Fatalf("%v, %v", res, err)
	}
	l.send("f")
	l.answer(http.StatusNoContent, "")
	const size = 300 << 10
	l.send(head + fmt.Sprintf("Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n", size))
	for range size >> 10 {
		l.send(strings.Repeat("~", 1<<10))
	}
	l.answer(http.StatusNoContent, "")
	l.send(post("/s", strings.Repeat("~", 1<<20+1)))
	l.answer(http.StatusRequestEntityTooLarge, "*")
}

// Nobody keeps a connection, or the memory of one, by being slow, large or malformed, and the
// server goes on.
func TestAServerDefendsItself(t *testing.T) {
	store, closeStore, err := openMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore() })
	streams := newHandler(store)
	const patience = 300 * time.Millisecond
	addr := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("on purpose")
		}
		streams.ServeHTTP(w, r)
	}), patience, streams.Close)
	l := dial(t, addr)
	l.send(put)
	l.answer(http.StatusCreated, "")
	for _, c := range []struct{ what, send, answer string }{
		{"a header too large", head + "X: " + strings.Repeat("x", maxHeader) + "\r\n\r\n", "HTTP/1.1 431 "},
		{"half a header", "GET /s HTTP/1.1\r\nHost: h\r\nX: ", ""},
		{"a body that stops early", head + "Content-Type: text/plain\r\nContent-Length: 100\r\n\r\nx", ""},
		{"a body that stops late", head + "Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n" +
			strings.Repeat("~", 2*prefetched), "HTTP/1.1 400 "},
		{"a chunked body that stops", head + "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
			"HTTP/1.1 400 "},
		{"two lengths", head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 400 "},
		{"a length and chunks", head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"HTTP/1.1 400 "},
		{"a negative length", head + "Content-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
		{"no HTTP", "hello\r\n\r\n", "HTTP/1.1 400 "},
		{"no host", "GET /s HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"a live read with a body", "GET /s?live=sse&offset=-1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
			"HTTP/1.1 400 "},
		{"a panic", get("/panic"), "HTTP/1.1 500 "},
	} {
		l := dial(t, addr)
		l.send(c.send)
		if got := l.ends(); !strings.HasPrefix(got, c.answer) {
			t.Errorf("%s: %.200q, want %q", c.what, got, c.answer)
		}
	}
	l = dial(t, addr)
	l.send(post("/s", "a") + get("/s"))
	l.answer(http.StatusNoContent, "")
	l.answer(http.StatusOK, "a")
}

package interop

import (
	"bytes"
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
)

// listenAndServe starts a server on a loopback address, which it returns, and ends it with the
// test. before runs first then: it ends the streams for which Shutdown would wait.
func listenAndServe(t testing.TB, server *http.Server, before func()) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, server, listener, before)
	return listener.Addr().String()
}

// serve is listenAndServe on a listener. Whatever the server logs of a panic fails the test.
func serve(t testing.TB, server *http.Server, listener net.Listener, before func()) {
	t.Helper()
	var complaints lockedBuffer
	server.ErrorLog = log.New(&complaints, "", 0)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		before()
		stop(t, server)
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		if complaints.contains("panic") {
			t.Errorf("the server said: %s", complaints.String())
		}
	})
}

// stop shuts a server down, and cuts what is left after a while.
func stop(t testing.TB, server *http.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
		server.Close()
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) contains(s string) bool { return bytes.Contains([]byte(l.String()), []byte(s)) }

// A tap notes how a handler answers.
type tap struct {
	next http.Handler

	mu       sync.Mutex
	statuses []int // of the GETs, in the order of the answers
	resumed  int   // GETs with a Last-Event-ID
}

func (h *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		h.mu.Lock()
		if r.Header.Get("Last-Event-ID") != "" {
			h.resumed++
		}
		h.mu.Unlock()
		w = &tapped{ResponseWriter: w, tap: h}
	}
	h.next.ServeHTTP(w, r)
}

// answers are the statuses so far.
func (h *tap) answers() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.statuses)
}

func (h *tap) resumes() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.resumed
}

type tapped struct {
	http.ResponseWriter
	tap  *tap
	told bool
}

func (w *tapped) note(status int) {
	if w.told {
		return
	}
	w.told = true
	w.tap.mu.Lock()
	defer w.tap.mu.Unlock()
	w.tap.statuses = append(w.tap.statuses, status)
}

func (w *tapped) WriteHeader(status int) {
	w.note(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *tapped) Write(p []byte) (int, error) {
	w.note(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush and set deadlines.
func (w *tapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

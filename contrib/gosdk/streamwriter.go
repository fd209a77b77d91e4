package gosdk

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// primed is the first protocol version whose clients expect an event without data. Older ones may take it for a malformed message.
const primed = "2025-11-25"

// A streamWriter is the ResponseWriter that the SDK writes to. A response that turns out to be an event stream when its header
// is written gets what the SDK leaves out: a deadline for each write, a word to proxies and a beginning. Others pass as they are.
//
// Like any ResponseWriter it is for one goroutine at a time. The SDK's goroutines take turns by the stream's mutex, and none writes once the
// handler has returned.
type streamWriter struct {
	http.ResponseWriter
	control    *http.ResponseController
	timeout    time.Duration // of one write; negative: as the server has it
	beginning  string        // what an event stream begins with; "" once it has been written
	begun      bool          // the header is written
	stream     bool          // it is that of an event stream
	noDeadline bool          // the ResponseWriter has none
	lapses     bool          // a deadline ends the stream even while nothing is written: HTTP/2
}

func newStreamWriter(w http.ResponseWriter, r *http.Request, retry string, timeout time.Duration) *streamWriter {
	return &streamWriter{
		ResponseWriter: w, control: http.NewResponseController(w), lapses: r.ProtoMajor >= 2,
		timeout: timeout, beginning: retry + prime(r),
	}
}

func (w *streamWriter) WriteHeader(code int) {
	if code >= http.StatusOK { // others announce the header
		w.begin()
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *streamWriter) Write(p []byte) (int, error) {
	w.begin()
	if !w.stream {
		return w.ResponseWriter.Write(p)
	}
	if err := w.setDeadline(); err != nil {
		return 0, err
	}
	if w.beginning != "" {
		beginning := w.beginning
		w.beginning = ""
		if _, err := io.WriteString(w.ResponseWriter, beginning); err != nil {
			return 0, err
		}
	}
	n, err := w.ResponseWriter.Write(p)
	if err == nil {
		err = w.clearDeadline()
	}
	return n, err
}

// FlushError is what http.ResponseController calls. What it flushes may be what a stalled client does not read.
func (w *streamWriter) FlushError() error {
	w.begin() // flushing writes the header
	if !w.stream {
		return w.control.Flush()
	}
	if err := w.setDeadline(); err != nil {
		return err
	}
	if err := w.control.Flush(); err != nil {
		return err
	}
	return w.clearDeadline()
}

// Flush makes it an http.Flusher, for handlers between Middleware and the SDK that look for one.
func (w *streamWriter) Flush() { w.FlushError() }

// Unwrap gives http.ResponseController the writer that can do the rest.
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// begin looks at the header, once, when it is about to be written.
func (w *streamWriter) begin() {
	if w.begun {
		return
	}
	w.begun = true
	header := w.Header()
	if w.stream = strings.HasPrefix(header.Get("Content-Type"), "text/event-stream"); !w.stream {
		return
	}
	header.Set("X-Accel-Buffering", "no") // nginx
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-cache, no-transform")
	}
}

// finish is for when the request has been served. A stream that ended without an event has its beginning all the same, for its client comes
// back by it, and what net/http writes at the response's end has its time too.
func (w *streamWriter) finish() {
	if !w.begun {
		w.begin()
		if w.stream && w.beginning != "" {
			w.Write(nil)
		}
	}
	if w.stream {
		w.setDeadline()
	}
}

// setDeadline gives the next write its time, in place of the server's WriteTimeout.
func (w *streamWriter) setDeadline() error {
	if w.timeout < 0 {
		return nil
	}
	return w.deadline(time.Now().Add(w.timeout))
}

// clearDeadline keeps an HTTP/2 stream alive between two writes, where the deadline's timer resets it whether
// something is being written or not. Over HTTP/1.1 it only concerns writes.
func (w *streamWriter) clearDeadline() error {
	if w.timeout < 0 || !w.lapses {
		return nil
	}
	return w.deadline(time.Time{})
}

func (w *streamWriter) deadline(t time.Time) error {
	if w.noDeadline {
		return nil
	}
	err := w.control.SetWriteDeadline(t)
	if errors.Is(err, http.ErrNotSupported) {
		w.noDeadline, err = true, nil
	}
	return err
}

// prime is the event that a resumed stream begins with: it repeats Last-Event-ID and has no data, as the one that the SDK begins a
// call's stream with. Without it a client that goes by what the current connection has told it, as the SDK for TypeScript up
// to 1.32.2 and the SDK for Go do, forgets its place when the connection breaks inside the first event.
func prime(r *http.Request) string {
	id := r.Header.Get("Last-Event-ID")
	if r.Method != http.MethodGet || r.Header.Get("Mcp-Protocol-Version") < primed || !echoable(id) {
		return ""
	}
	return "event: prime\nid: " + id + "\ndata: \n\n"
}

// echoable reports whether what a client sends as an event ID is one, and cannot add a line to a stream.
func echoable(id string) bool {
	return id != "" && len(id) <= 256 && !strings.ContainsAny(id, "\r\n\x00") && utf8.ValidString(id)
}

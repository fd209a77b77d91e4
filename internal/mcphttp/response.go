package mcphttp

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/reprise-go/reprise/internal/sse"
)

// A Response is the ResponseWriter that an SDK writes to. A response that turns out to be an event
// stream when its header is written gets what SDKs leave out: a deadline for each piece of a write,
// comments while nothing is written, a word to proxies and a beginning. Others pass as they are.
//
// Like any ResponseWriter it is for one goroutine at a time. The SDK's goroutines take turns, and
// none writes once the handler has returned; the comments are the Writer's affair.
type Response struct {
	http.ResponseWriter
	out       *sse.Writer
	keepAlive time.Duration
	beginning string // what an event stream begins with; "" once it has been written

	// Answer is called when the header is about to be written, with its status. If it returns true
	// it has written an answer of its own, and what the SDK writes is dropped. May be nil.
	Answer func(w http.ResponseWriter, status int) bool

	begun   bool // the header is written
	stream  bool // it is that of an event stream
	dropped bool // Answer has answered
}

// NewResponse returns the ResponseWriter for one request. An event stream goes out through out.
func NewResponse(w http.ResponseWriter, r *http.Request, out *sse.Writer, retry, keepAlive time.Duration) *Response {
	var beginning []byte
	if retry >= time.Millisecond {
		beginning = sse.AppendRetry(nil, retry, retry)
	}
	return &Response{ResponseWriter: w, out: out, keepAlive: keepAlive, beginning: string(beginning) + prime(r)}
}

// WriteHeader implements http.ResponseWriter.
func (w *Response) WriteHeader(code int) {
	if code >= http.StatusOK { // others announce the header
		w.begin(code)
	}
	if !w.dropped {
		w.ResponseWriter.WriteHeader(code)
	}
}

// Write implements http.ResponseWriter. On an event stream it writes in pieces.
func (w *Response) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	switch {
	case w.dropped:
		return len(p), nil
	case !w.stream:
		return w.ResponseWriter.Write(p)
	}
	if err := w.writeBeginning(); err != nil {
		return 0, err
	}
	return w.out.Write(p)
}

func (w *Response) writeBeginning() error {
	if w.beginning == "" {
		return nil
	}
	beginning := w.beginning
	w.beginning = ""
	_, err := io.WriteString(w.out, beginning)
	return err
}

// FlushError is what http.ResponseController calls. What it flushes may be what a stalled client
// does not read.
func (w *Response) FlushError() error {
	w.begin(http.StatusOK) // flushing writes the header
	switch {
	case w.dropped:
		return nil
	case w.stream: // the client may be cut off before the first event
		if err := w.writeBeginning(); err != nil {
			return err
		}
		return w.out.Flush()
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush makes it an http.Flusher, for those that look for one.
func (w *Response) Flush() { w.FlushError() }

// Unwrap gives http.ResponseController the writer that can do the rest.
func (w *Response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// IsStream reports whether the response has turned out to be an event stream.
func (w *Response) IsStream() bool { return w.stream }

// begin looks at the header, once, when it is about to be written.
func (w *Response) begin(code int) {
	if w.begun {
		return
	}
	w.begun = true
	if w.Answer != nil && w.Answer(w.ResponseWriter, code) {
		w.dropped = true
		return
	}
	header := w.Header()
	if w.stream = strings.HasPrefix(header.Get("Content-Type"), "text/event-stream"); !w.stream {
		return
	}
	header.Set("X-Accel-Buffering", "no") // nginx
	if cache := header.Get("Cache-Control"); cache == "" || cache == "no-cache" {
		header.Set("Cache-Control", "no-cache, no-transform")
	}
	w.out.Begin(w.keepAlive)
}

// Finish is for when the request has been served. A stream that ended without an event has its
// beginning all the same, for its client comes back by it.
func (w *Response) Finish() {
	if !w.begun && strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		w.begin(http.StatusOK)
		if w.stream {
			w.writeBeginning()
		}
	}
	w.out.Finish()
}

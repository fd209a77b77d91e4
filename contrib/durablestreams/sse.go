package durablestreams

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/reprise-go/reprise/internal/sse"
)

// serveSSE answers a read as server-sent events (section 5.8).
func (g *reading) serveSSE() error {
	ctx, w, end, err := g.begin(orElse(g.h.SSE, DefaultSSE))
	if err != nil {
		return err
	}
	defer end()
	sse.SetHeader(g.w.Header())
	if !g.isText() {
		g.w.Header().Set("Stream-SSE-Data-Encoding", "base64")
	}
	g.w.WriteHeader(http.StatusOK)
	w.Begin(-1)
	var out []byte
	for {
		out = g.appendEvents(out[:0])
		if w.Send(out) != nil || g.atEnd() {
			return nil
		}
		if !g.isTail {
			if g.collect() != nil {
				return nil
			}
			continue
		}
		g.release() // ten thousand idle streams hold no buffer
		if cap(out) > maxIdleBytes {
			out = nil
		}
		for g.count == 0 && !g.atEnd() {
			if g.reader.Wait(ctx) != nil || g.collect() != nil {
				return nil // the client comes back and is told why
			}
		}
	}
}

// maxIdleBytes is how much memory a stream keeps for what it will write while it waits.
const maxIdleBytes = 1 << 10

// appendEvents appends the collected messages as one data event, and the control event that says
// where the client stands then.
func (g *reading) appendEvents(b []byte) []byte {
	if g.count > 0 {
		b = append(b, "event: data\n"...)
		if body := g.body(); g.isText() {
			b = appendLines(b, body)
		} else {
			b = base64.StdEncoding.AppendEncode(append(b, "data:"...), body)
			b = append(b, '\n')
		}
		b = append(b, '\n')
	}
	b = append(b, `event: control
data:{"streamNextOffset":"`...)
	b = append(append(b, g.from.String()...), '"')
	if !g.atEnd() {
		b = append(append(b, `,"streamCursor":"`...), nextCursor(g.cursor, time.Now())...)
		b = append(b, '"')
	}
	if g.isTail {
		b = append(b, `,"upToDate":true`...)
	}
	if g.atEnd() {
		b = append(b, `,"streamClosed":true`...)
	}
	return append(b, "}\n\n"...)
}

// appendLines writes data as data lines. CR, LF and CRLF all end a line there, so a client gets LF
// for each.
func appendLines(b, data []byte) []byte {
	for {
		b = append(b, "data:"...)
		if len(data) > 0 && data[0] == ' ' { // parsers take one space away
			b = append(b, ' ')
		}
		i := bytes.IndexAny(data, "\r\n")
		if i < 0 {
			b = append(b, data...)
			return append(b, '\n')
		}
		b = append(append(b, data[:i]...), '\n')
		if data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n' {
			i++
		}
		data = data[i+1:]
	}
}

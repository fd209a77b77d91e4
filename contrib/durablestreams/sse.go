package durablestreams

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// serveSSE answers a read as server-sent events (section 5.8).
func (g *reading) serveSSE() error {
	ctx, cancel := g.until(orElse(g.h.SSE, DefaultSSE))
	defer cancel()
	header := g.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
	if !g.isText() {
		header.Set("Stream-SSE-Data-Encoding", "base64")
	}
	g.w.WriteHeader(http.StatusOK)
	p := g.pieceWriter()
	var b []byte
	for {
		b = g.appendEvents(b[:0])
		if _, err := p.Write(b); err != nil || p.flush() != nil || g.atEnd() {
			return nil
		}
		g.messages, g.bytes = g.messages[:0], 0
		if !g.isTail {
			if g.collect() != nil {
				return nil
			}
			continue
		}
		for len(g.messages) == 0 && !g.atEnd() {
			if g.reader.Wait(ctx) != nil || g.collect() != nil {
				return nil // the client comes back and is told why
			}
		}
	}
}

// A control event says where the client stands.
type control struct {
	Next     string `json:"streamNextOffset"`
	Cursor   string `json:"streamCursor,omitempty"`
	UpToDate bool   `json:"upToDate,omitempty"`
	Closed   bool   `json:"streamClosed,omitempty"`
}

// appendEvents appends the collected messages as one data event, and the control event that follows
// it.
func (g *reading) appendEvents(b []byte) []byte {
	if len(g.messages) > 0 {
		b = append(b, "event: data\n"...)
		body := g.body()
		if !g.isText() {
			body = base64.StdEncoding.AppendEncode(nil, body)
		}
		b = appendLines(b, body)
		b = append(b, '\n')
	}
	c := control{Next: g.from.String(), UpToDate: g.isTail, Closed: g.atEnd()}
	if !c.Closed {
		c.Cursor = nextCursor(g.cursor, time.Now())
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and booleans
	}
	b = append(b, "event: control\ndata:"...)
	b = append(b, text...)
	return append(b, "\n\n"...)
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

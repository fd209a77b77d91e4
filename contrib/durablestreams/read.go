package durablestreams

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// describe sets the headers that say what a stream is.
func (q *request) describe(f found, v *view) {
	header := q.w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Stream-Next-Offset", v.tail.String())
	header.Set("Cache-Control", "no-store")
	if v.closed {
		header.Set("Stream-Closed", "true")
	}
}

// head serves HEAD (section 5.5), which is no activity.
func (q *request) head() error {
	f, v, err := q.existing()
	if err != nil {
		return err
	}
	q.describe(f, v)
	header := q.w.Header()
	if f.ttl != "" {
		header.Set("Stream-TTL", f.ttl)
	}
	if f.expiresAt != "" {
		header.Set("Stream-Expires-At", f.expiresAt)
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// A reading is one GET in progress.
type reading struct {
	*request
	found
	from   offset // where the next message is looked for
	start  string // the offset as the client sent it
	live   string // "", "long-poll" or "sse"
	cursor string
	reader replay.Reader

	inJSON   bool
	count    int  // messages that are collected and not yet written: in request.buffer
	bytes    int  // the same, in bytes
	isTail   bool // the reader had no more
	isClosed bool // and there will be no more
}

// read serves GET (sections 5.6 to 5.8).
func (q *request) read() error {
	query, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "malformed query")
	}
	f, v, err := q.existing()
	if err != nil {
		return err
	}
	g := &reading{
		request: q, found: f, live: query.Get("live"), cursor: query.Get("cursor"),
		inJSON: f.isJSON(), isClosed: v.closed,
	}
	if err := g.parse(query, v); err != nil {
		return err
	}
	if err := g.open(v); err != nil {
		return err
	}
	defer func() { g.reader.Close() }()
	if err := g.collect(); err != nil {
		return err
	}
	switch {
	case g.live == "sse":
		return g.serveSSE()
	case g.live == "long-poll":
		return g.longPoll()
	}
	return g.catchUpOnce()
}

func (g *reading) parse(query url.Values, v *view) error {
	if g.live != "" && g.live != "long-poll" && g.live != "sse" || len(query["live"]) > 1 {
		return refuse(http.StatusBadRequest, "live is neither long-poll nor sse")
	}
	offsets, ok := query["offset"]
	switch {
	case len(offsets) > 1:
		return refuse(http.StatusBadRequest, "more than one offset")
	case !ok && g.live != "":
		return refuse(http.StatusBadRequest, "a live read needs an offset")
	case !ok:
		offsets = []string{fromStart}
	}
	g.start = offsets[0]
	switch g.start {
	case fromStart:
	case fromNow:
		g.from = v.tail
	default:
		if g.from, ok = parseOffset(g.start); !ok {
			return refuse(http.StatusBadRequest, "malformed offset")
		}
		if g.from > v.tail {
			return refuse(http.StatusBadRequest, "the offset is beyond the end of the stream")
		}
	}
	return nil
}

// open positions the reader after from. The event at that offset need not be there any more, as
// long as the next one is: collect finds out.
func (g *reading) open(v *view) (err error) {
	ctx := g.r.Context()
	if g.from > 0 {
		g.reader, err = g.h.Store.Open(ctx, g.request.id, replay.Position{LastEventID: g.from.eventID(), All: true})
		if !errors.Is(err, ring.ErrUnknownID) && !errors.Is(err, ring.ErrEvicted) {
			return err
		}
	}
	g.reader, err = g.h.Store.Open(ctx, g.request.id, replay.Position{All: true})
	return err
}

// collect takes messages from the reader until there are enough or no more.
func (g *reading) collect() error {
	most := orElse(g.h.MaxChunk, DefaultMaxChunk)
	var e ring.Event
	for g.isTail = false; g.bytes < most; {
		if !g.reader.Next(&e) {
			g.isTail = true
			break
		}
		if e.Stream == recordStream {
			if bytes.Contains(e.Data, []byte(`"closed":true`)) {
				g.isClosed = true
			}
			continue
		}
		n, ok := parseEventID(e.ID)
		if !ok || n <= g.from {
			continue
		}
		if n != g.from+1 {
			return g.gone(n - 1)
		}
		g.from = n
		g.add(e.Data)
	}
	err := g.reader.Err()
	if errors.Is(err, ring.ErrEvicted) {
		return refuse(http.StatusGone, "the offset is no longer retained")
	}
	if err != nil && g.count == 0 {
		return err
	}
	return nil
}

// gone refuses an offset before the earliest one that is retained, and names that.
func (q *request) gone(earliest offset) error {
	q.w.Header().Set("Stream-Earliest-Offset", earliest.String())
	return refuse(http.StatusGone, "the offset is no longer retained")
}

// atEnd reports whether the answer reaches the end of a closed stream.
func (g *reading) atEnd() bool { return g.isTail && g.isClosed }

func (g *reading) add(message []byte) {
	if g.count == 0 {
		g.borrow(len(message))
	}
	if g.inJSON {
		g.buffer.WriteByte("[,"[min(g.count, 1)])
	}
	g.buffer.Write(message)
	g.count++
	g.bytes += len(message)
}

// body returns the collected messages, as a JSON array or as bytes, and collects anew. It is valid
// until then.
func (g *reading) body() []byte {
	switch {
	case g.count > 0 && g.inJSON:
		g.buffer.WriteByte(']')
	case g.inJSON:
		return []byte("[]")
	case g.count == 0:
		return nil
	}
	g.count, g.bytes = 0, 0
	return g.buffer.Bytes()
}

func (g *reading) setHeaders() {
	header := g.w.Header()
	header.Set("Content-Type", g.contentType)
	header.Set("Stream-Next-Offset", g.from.String())
	if g.isTail {
		header.Set("Stream-Up-To-Date", "true")
	}
	if g.atEnd() {
		header.Set("Stream-Closed", "true")
	}
	if g.live != "" && !g.atEnd() {
		header.Set("Stream-Cursor", nextCursor(g.cursor, time.Now()))
	}
	scope := "private"
	if g.h.Public {
		scope = "public"
	}
	header.Set("Cache-Control", scope+", max-age=60, stale-while-revalidate=300")
}

// catchUpOnce answers a read that is not live (section 5.6).
func (g *reading) catchUpOnce() error {
	if g.start == fromNow {
		g.count, g.bytes = 0, 0
	}
	g.setHeaders()
	header := g.w.Header()
	if g.start == fromNow {
		header.Set("Cache-Control", "no-store")
		return g.write()
	}
	tag := `"` + g.incarnation + ":" + g.start + ":" + g.from.String()
	if g.atEnd() {
		tag += ":c"
	}
	tag += `"`
	header.Set("ETag", tag)
	if matchesTag(g.r.Header, tag) {
		header.Del("Content-Type")
		g.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return g.write()
}

func matchesTag(header http.Header, tag string) bool {
	for _, line := range header.Values("If-None-Match") {
		for len(line) > 0 {
			item, rest, _ := bytes.Cut([]byte(line), []byte(","))
			if s := string(bytes.TrimPrefix(bytes.TrimSpace(item), []byte("W/"))); s == tag || s == "*" {
				return true
			}
			line = string(rest)
		}
	}
	return false
}

// writer returns what writes the answer: in pieces, each with a deadline of its own, so that who
// reads steadily gets everything, and who stops is gone after WriteTimeout.
func (g *reading) writer(onEnd func()) *sse.Writer {
	return sse.NewWriter(&g.h.live, g.w, g.r, orElse(g.h.WriteTimeout, DefaultWriteTimeout), onEnd)
}

// write sends the collected messages with status 200.
func (g *reading) write() error {
	b := g.body()
	g.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	g.w.WriteHeader(http.StatusOK)
	w := g.writer(func() {})
	w.Begin(-1)
	defer w.Finish()
	w.Write(b) // whoever does not get it comes back
	return nil
}

// begin is for an answer that waits: its context ends after d, and when the Handler is closed.
func (g *reading) begin(d time.Duration) (ctx context.Context, w *sse.Writer, end func(), err error) {
	ctx, cancel := context.WithTimeout(g.r.Context(), d)
	w = g.writer(cancel)
	if !g.h.live.Enter(w) {
		cancel()
		return nil, nil, nil, errClosing
	}
	return ctx, w, func() {
		w.Finish()
		g.h.live.Leave(w)
		cancel()
	}, nil
}

// longPoll answers a read that waits (section 5.7).
func (g *reading) longPoll() error {
	if err := g.wait(); err != nil {
		return err
	}
	g.setHeaders()
	if g.count > 0 {
		return g.write()
	}
	g.w.Header().Set("Cache-Control", "no-store")
	g.w.WriteHeader(http.StatusNoContent)
	return nil
}

// wait collects until there is something, or the time of a long-poll is over.
func (g *reading) wait() error {
	ctx, _, end, err := g.begin(orElse(g.h.LongPoll, DefaultLongPoll))
	if err != nil {
		return err
	}
	defer end()
	for g.count == 0 && !g.atEnd() {
		if err := g.reader.Wait(ctx); err != nil {
			if ctx.Err() == nil {
				return err
			}
			return nil
		}
		if err := g.collect(); err != nil {
			return err
		}
	}
	return nil
}

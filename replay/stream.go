package replay

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// batch is how many bytes a stream collects before it writes. Only an event that is larger by itself makes a larger write.
const batch = 64 << 10

// A stream is one response in progress. Its fields belong to the request's goroutine, save for cancel and control, which
// Close uses too, for as long as the stream is among the Handler's.
type stream struct {
	h       *Handler
	w       http.ResponseWriter
	control *http.ResponseController
	session session
	at      Position
	reader  Reader

	ctx    context.Context // ends when the client goes or Close is called
	cancel context.CancelFunc
	idle   context.Context // ends when a comment may be due; of ctx
	stop   context.CancelFunc

	event   ring.Event // what the reader fills
	ready   bool       // event has been read and not yet encoded
	buf     []byte     // encoded and not yet written; from h.buffers
	box     *[]byte    // what buf came in
	written time.Time  // when the last write began

	encoded int  // events in buf
	gaps    int  // and gap events
	slow    bool // a write has failed that took longer than writeTimeout

	lastID     []byte // the last event ID that the client has; kept for GapFromOldest alone
	lastStream []byte // and the stream of that event, if anySent
	anySent    bool

	retry, keepAlive, writeTimeout time.Duration
	noDeadline                     bool // the ResponseWriter has none
	lapses                         bool // a deadline ends the stream even while nothing is written: HTTP/2
}

func (h *Handler) newStream(w http.ResponseWriter, r *http.Request, session session, at Position) *stream {
	s := &stream{
		h: h, w: w, control: http.NewResponseController(w), session: session, at: at, lastID: []byte(at.LastEventID),
		retry:        orDefault(h.Retry, DefaultRetry),
		keepAlive:    orDefault(h.KeepAlive, DefaultKeepAlive),
		writeTimeout: orDefault(h.WriteTimeout, DefaultWriteTimeout),
		lapses:       r.ProtoMajor >= 2,
	}
	s.ctx, s.cancel = context.WithCancel(r.Context())
	return s
}

// close gives back whatever serve has taken.
func (s *stream) close() {
	if s.reader != nil {
		s.reader.Close()
	}
	if s.stop != nil {
		s.stop()
	}
	s.cancel()
	s.releaseBuffer()
}

func (s *stream) serve() error {
	s.takeBuffer()
	s.buf = appendRetry(append(s.buf, comment...), s.retry)
	if err := s.open(); err != nil {
		return err
	}
	if !canFlush(s.w) {
		return refuse(http.StatusInternalServerError, "streaming is not possible: the ResponseWriter cannot flush")
	}
	setStreamHeader(s.w.Header())
	s.h.counters.begin(s)
	err := s.run()
	s.h.counters.end(s, err)
	if isEnd(err) || s.ctx.Err() != nil {
		err = nil
	}
	if err != nil {
		s.h.log(s.ctx, slog.LevelDebug, "replay: stream ended", err)
	}
	s.finalDeadline()
	return nil
}

// run writes until there is a reason to stop.
func (s *stream) run() error {
	for {
		if err := s.send(); err != nil {
			return err
		}
		err := s.reader.Err()
		switch {
		case err == nil:
			err = s.wait()
		case errors.Is(err, ring.ErrEvicted) && s.h.OnGap == GapFromOldest:
			err = s.skipGap()
		}
		if err != nil {
			return err
		}
	}
}

// send writes everything that is ready, in as few writes as batch allows.
func (s *stream) send() error {
	for s.ready || s.reader.Next(&s.event) {
		s.ready = false
		if len(s.buf) > 0 && len(s.buf)+s.event.Size()+sseOverhead > batch {
			if err := s.write(); err != nil {
				return err
			}
		}
		s.buf = AppendSSE(s.buf, s.event)
		s.encoded++
		s.remember()
	}
	if len(s.buf) == 0 {
		return nil
	}
	return s.write()
}

// write writes and flushes the buffer. The context is checked after the deadline is set: whoever ends the stream
// cancels first and then shortens the deadline, so either this sees the one or the write has the other.
func (s *stream) write() error {
	if err := s.setDeadline(); err != nil {
		return err
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if _, err := s.w.Write(s.buf); err != nil {
		return s.writeFailed(err)
	}
	if err := s.control.Flush(); err != nil {
		return s.writeFailed(err)
	}
	s.h.counters.wrote(s)
	s.buf = s.buf[:0]
	return nil
}

// wait returns when the reader has something to say. It sends a comment whenever nothing was written for keepAlive.
func (s *stream) wait() error {
	s.event = ring.Event{} // pin nothing while idle
	s.releaseBuffer()
	if err := s.clearDeadline(); err != nil {
		return err
	}
	for {
		if s.idle == nil {
			s.rearm()
		}
		err := s.reader.Wait(s.idle)
		if err == nil || s.ctx.Err() != nil || s.idle.Err() == nil {
			s.takeBuffer()
			return err
		}
		s.idle = nil
		if time.Since(s.written) >= s.keepAlive {
			s.takeBuffer()
			s.buf = append(s.buf, comment...)
			return nil
		}
	}
}

// rearm makes the context that ends when a comment may be due. It is not renewed with every write but looked at when it has ended,
// so that it costs nothing per event.
func (s *stream) rearm() {
	if s.keepAlive < 0 {
		s.idle = s.ctx
		return
	}
	if s.stop != nil {
		s.stop()
	}
	s.idle, s.stop = context.WithDeadline(s.ctx, s.written.Add(s.keepAlive))
}

// takeBuffer and releaseBuffer borrow the Handler's buffers: ten thousand idle streams hold none. An oversized one is not kept.
func (s *stream) takeBuffer() {
	if s.box, _ = s.h.buffers.Get().(*[]byte); s.box == nil {
		s.box = new([]byte)
	}
	s.buf = (*s.box)[:0]
}

func (s *stream) releaseBuffer() {
	if s.box != nil && cap(s.buf) <= 2*batch {
		*s.box = s.buf
		s.h.buffers.Put(s.box)
	}
	s.box, s.buf = nil, nil
}

// canFlush reports whether http.ResponseController can flush w, without doing it: that would write the header.
func canFlush(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case interface{ FlushError() error }, http.Flusher:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

func setStreamHeader(header http.Header) {
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no") // nginx
}

package replay

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// batch is how many bytes a stream collects before it writes. Only an event that is larger by
// itself makes a larger write, in pieces.
const batch = sse.Piece

// A Stream is one reader's response in progress, as [Handler.Accept] returns it. It belongs to the
// request's goroutine. Keep-alive comments, deadlines, gaps and the end are its own business:
//
//	stream := handler.Accept(w, r)
//	if stream == nil {
//		return // the request has been answered
//	}
//	defer stream.Close()
//	for stream.Next(&e) {
//		stream.Send(e)
//	}
type Stream struct {
	h       *Handler
	w       *sse.Writer
	session session
	id      string // the session's
	at      Position
	reader  Reader
	place   string // where the reader began; "" when it cannot tell

	ctx    context.Context // ends when the client goes, the Handler is closed or a newer reader takes over
	cancel context.CancelFunc
	err    error // why Next returned false

	event ring.Event // what was read to see whether there is anything
	ready bool       // event has not been returned yet
	buf   []byte     // encoded and not yet written; from h.buffers
	box   *[]byte    // what buf came in

	encoded int // events in buf
	gaps    int // and gap events

	begun      bool
	asked      string // the LastEventID of the request
	truncated  bool   // it had none, and the session's beginning is gone
	lastID     []byte // the last event ID that the client has; kept for GapFromOldest alone
	lastStream []byte // and the stream of that event, if anySent
	anySent    bool
}

func (h *Handler) newStream(w http.ResponseWriter, r *http.Request, session session, id string, at Position) *Stream {
	s := &Stream{h: h, session: session, id: id, at: at, asked: at.LastEventID, lastID: []byte(at.LastEventID)}
	s.ctx, s.cancel = context.WithCancel(r.Context())
	s.w = sse.NewWriter(&h.streams, w, r, orDefault(h.WriteTimeout, DefaultWriteTimeout), s.cancel)
	return s
}

// Next fills e with the next event, for which it waits, and returns true. What was sent before is
// written before it waits. It returns false when the stream is over: the client has gone or is too
// slow, the session has finished or ended, the Handler was closed, or a newer reader has taken
// over. The event's Data is shared and must not be written to.
func (s *Stream) Next(e *ring.Event) bool {
	for s.err == nil {
		if s.ready {
			*e, s.event, s.ready = s.event, ring.Event{}, false
			return true
		}
		if s.reader.Next(e) {
			return true
		}
		*e = ring.Event{} // pin nothing while idle
		s.err = s.pause()
	}
	return false
}

// Send sends an event in the format of [AppendSSE]. It writes once 64 KiB have come together; Next
// and Close write the rest. An error is the connection's, and ends the stream. The event's ID is
// where the client will come back to: an event that is left out is simply not sent, and one that is
// made anew needs the ID of the one that it stands for.
func (s *Stream) Send(e ring.Event) error {
	if len(s.buf) > 0 && len(s.buf)+e.Size()+sseOverhead > batch {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.buf = AppendSSE(s.buf, e)
	s.encoded++
	s.remember(&e)
	return nil
}

// Err returns why Next has returned false: shard.ErrFinished or shard.ErrNotFound when the session
// has finished or ended and everything has been read, ring.ErrEvicted when the client was too slow
// (GapError), the context's error when the client has gone or the stream was ended from outside, or
// the error of a write.
func (s *Stream) Err() error { return s.err }

// Close writes what is left and ends the stream. It may be called more than once.
func (s *Stream) Close() {
	if s.reader == nil {
		return
	}
	if s.begun && s.err == nil && s.buf != nil {
		s.flush()
	}
	s.release()
}

// release gives back whatever the stream has taken, also while a panic of the ResponseWriter passes
// through.
func (s *Stream) release() {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
	s.w.Finish()
	s.h.streams.Leave(s.w)
	if s.begun {
		s.begun = false
		s.h.counters.end(s)
		if err := s.err; err != nil && !isEnd(err) && s.ctx.Err() == nil {
			s.h.log(s.ctx, slog.LevelDebug, "replay: stream ended", err)
		}
	}
	s.cancel()
	s.releaseBuffer()
}

// begin writes nothing yet: the first flush sends the header as well. begun comes first, so that
// whatever panics is counted off again.
func (s *Stream) begin(header http.Header) {
	sse.SetHeader(header)
	s.begun = true
	s.h.counters.begin(s)
	s.w.Begin(s.h.keepAlive())
}

// pause is for when nothing is ready: it writes, and waits for more or deals with the reader's end.
func (s *Stream) pause() error {
	if err := s.flush(); err != nil {
		return err
	}
	err := s.reader.Err()
	switch {
	case err == nil:
		return s.wait()
	case errors.Is(err, ring.ErrEvicted) && s.h.OnGap == GapFromOldest:
		return s.skipGap()
	case errors.Is(err, shard.ErrFinished) && s.h.DoneEvent != "":
		s.takeBuffer()
		s.buf = appendSignal(s.buf, s.h.DoneEvent, s.placeNow(), signal{"done"})
		if werr := s.flush(); werr != nil {
			return werr
		}
	}
	return err
}

func (s *Stream) wait() error {
	s.releaseBuffer()
	err := s.reader.Wait(s.ctx)
	s.takeBuffer()
	if err == nil {
		return nil
	}
	if werr := s.w.Err(); werr != nil { // a comment could not be written
		return werr
	}
	return err
}

// flush writes what is in the buffer. A stream that has been ended writes no more.
func (s *Stream) flush() error {
	if len(s.buf) == 0 {
		return s.ctx.Err()
	}
	s.err = errWriting // Close must not try again what a panic has left
	err := s.w.Send(s.buf)
	if s.err = err; err != nil {
		if s.ctx.Err() != nil {
			s.err = s.ctx.Err()
		}
		return s.err
	}
	s.h.counters.wrote(s)
	s.buf = s.buf[:0]
	return nil
}

var errWriting = errors.New("replay: the ResponseWriter has panicked")

// takeBuffer and releaseBuffer borrow the Handler's buffers: ten thousand idle streams hold none.
// An oversized one is not kept.
func (s *Stream) takeBuffer() {
	if s.box != nil {
		return
	}
	if s.box, _ = s.h.buffers.Get().(*[]byte); s.box == nil {
		s.box = new([]byte)
	}
	s.buf = (*s.box)[:0]
}

func (s *Stream) releaseBuffer() {
	if s.box != nil && cap(s.buf) <= 2*batch {
		*s.box = s.buf
		s.h.buffers.Put(s.box)
	}
	s.box, s.buf = nil, nil
}

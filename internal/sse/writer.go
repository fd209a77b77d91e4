// Package sse is what every front end does with a response that is an event stream, whoever encodes
// the events, or that is as long as one: deadlines for each piece that is written, comments that
// keep a silent connection open, an end from outside, and counters.
package sse

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Piece is how many bytes a Writer writes under one deadline, so that a timeout is about
	// progress and not about size.
	Piece = 64 << 10

	// closeGrace is how long a write may go on after Set.Close, so that a client that reads gets
	// whole events.
	closeGrace = time.Second
)

// ErrEnded is the error of a write that begins after End.
var ErrEnded = errors.New("sse: the stream was ended")

// Comment is the line that keeps an idle connection open. It has no blank line behind it, of which
// some clients make an event.
const Comment = ":\n"

// A Writer writes one response. Any goroutine may use it until Finish has returned; writes come one
// after the other.
//
// mu guards the ResponseWriter, save for its write deadline: End shortens that while a write holds
// mu. Whoever sets a deadline looks at ended afterwards, and End sets ended first, so the deadline
// of End is in force at last whichever comes first.
type Writer struct {
	set     *Set
	key     string // in set.newest; guarded by set.mu
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration // for a piece; negative: for ever
	lapses  bool          // a deadline ends the stream even while nothing is written: HTTP/2
	onEnd   func()        // tells whoever serves the stream that it is over; called by End and when a comment fails

	ended    atomic.Pointer[time.Time] // the last deadline; set once, by End
	replaced atomic.Bool               // ended by Take
	gone     chan struct{}             // closed by Set.Leave

	mu         sync.Mutex
	began      time.Time // when the last piece was begun
	armed      bool      // its deadline has not been lifted by rest
	noDeadline bool      // the ResponseWriter has none
	midLine    bool      // no comment may be put here
	err        error     // of the first write that failed
	slow       bool      // because it had used up its time
	begun      bool      // between Begin and Finish
	keepAlive  time.Duration
	timer      *time.Timer // sends comments; nil: none are to be sent
}

// NewWriter returns a Writer for one of the responses of set. A piece may take as long as timeout,
// negative: for ever. onEnd may be called more than once, from any goroutine.
func NewWriter(set *Set, w http.ResponseWriter, r *http.Request, timeout time.Duration, onEnd func()) *Writer {
	return &Writer{
		set: set, w: w, control: http.NewResponseController(w), timeout: timeout, lapses: r.ProtoMajor >= 2,
		onEnd: onEnd,
		gone:  make(chan struct{}),
	}
}

// Begin counts the stream as open. Once nothing has been written for as long as keepAlive a comment
// is sent, and so on; negative: never. It lifts http.Server.ReadTimeout from the connection, which
// would end the stream when it has passed.
func (w *Writer) Begin(keepAlive time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun, w.keepAlive, w.began = true, keepAlive, time.Now()
	w.set.open.Add(1)
	w.set.streams.Add(1)
	w.control.SetReadDeadline(time.Time{}) // a ResponseWriter without read deadlines has no such timeout either
	if keepAlive >= 0 {
		w.timer = time.AfterFunc(keepAlive, w.keep)
	}
}

// Finish takes the stream off the open ones. Nothing is written afterwards, save what net/http
// writes at the response's end: that has the time of one more piece. It may be called more than
// once, and whether or not Begin was.
func (w *Writer) Finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.begun {
		return
	}
	w.begun = false
	if w.timer != nil {
		w.timer.Stop()
	}
	w.set.open.Add(-1)
	if w.slow {
		w.set.slow.Add(1)
	}
	if w.replaced.Load() {
		w.set.replaced.Add(1)
	}
	w.beginPiece()
	if w.ended.Load() != nil && !w.noDeadline {
		w.control.SetWriteDeadline(time.Now().Add(closeGrace))
	}
}

// Write writes p in pieces, each with a deadline of its own. It does not flush.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.write(p)
	if err == nil {
		err = w.rest()
	}
	return n, err
}

// Flush sends what has been written. What it sends may be what a stalled client does not read.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	if err := w.beginPiece(); err != nil {
		return w.fail(err)
	}
	return w.flush()
}

// Send is Write and Flush in one, under as few deadlines as Write has.
func (w *Writer) Send(p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.send(p)
}

// End makes the stream end: a write that begins later fails, and one in progress may go on for so
// long.
func (w *Writer) End(grace time.Duration) {
	last := time.Now().Add(grace)
	if w.ended.CompareAndSwap(nil, &last) {
		w.control.SetWriteDeadline(last)
	}
	w.onEnd()
}

// Gone is closed when the stream has left its Set.
func (w *Writer) Gone() <-chan struct{} { return w.gone }

// Err returns why a write has failed; nil: none has.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *Writer) send(p []byte) error {
	if _, err := w.write(p); err != nil {
		return err
	}
	return w.flush()
}

func (w *Writer) write(p []byte) (n int, err error) {
	if err := w.usable(); err != nil {
		return 0, err
	}
	for first := true; first || n < len(p); first = false {
		if err := w.beginPiece(); err != nil {
			return n, w.fail(err)
		}
		if first && w.ended.Load() != nil {
			return 0, ErrEnded
		}
		m, err := w.w.Write(p[n:min(n+Piece, len(p))])
		n += m
		w.set.bytes.Add(uint64(m))
		if err != nil {
			return n, w.fail(err)
		}
	}
	if len(p) > 0 {
		w.midLine = p[len(p)-1] != '\n'
	}
	return n, nil
}

func (w *Writer) flush() error {
	if err := w.control.Flush(); err != nil {
		return w.fail(err)
	}
	return w.rest()
}

func (w *Writer) usable() error {
	if w.err == nil && w.ended.Load() != nil {
		return ErrEnded
	}
	return w.err
}

// fail notes the first error. It does not tell whether the time was used up: over HTTP/2 a deadline
// resets the stream.
func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = err
		w.slow = w.timeout >= 0 && w.ended.Load() == nil && time.Since(w.began) >= w.timeout
	}
	return err
}

// beginPiece gives the next piece its time, in place of the server's WriteTimeout.
func (w *Writer) beginPiece() error {
	if w.hasLapsed() {
		return os.ErrDeadlineExceeded
	}
	w.began, w.armed = time.Now(), true
	if w.timeout < 0 {
		return w.deadline(time.Time{})
	}
	return w.deadline(w.began.Add(w.timeout))
}

// rest keeps an HTTP/2 stream alive between two writes, where the deadline's timer resets it
// whether something is being written or not. Over HTTP/1.1 a deadline only concerns writes.
func (w *Writer) rest() error {
	if !w.lapses {
		return nil
	}
	if w.hasLapsed() {
		return w.fail(os.ErrDeadlineExceeded)
	}
	if err := w.deadline(time.Time{}); err != nil {
		return w.fail(err)
	}
	w.armed = false
	return nil
}

// hasLapsed reports whether the last piece has used up its time on an HTTP/2 stream, which the
// deadline has reset then, also if the piece itself was written without an error.
func (w *Writer) hasLapsed() bool {
	return w.lapses && w.armed && w.timeout >= 0 && time.Since(w.began) >= w.timeout
}

func (w *Writer) deadline(t time.Time) error {
	if w.noDeadline {
		return nil
	}
	err := w.control.SetWriteDeadline(t)
	if errors.Is(err, http.ErrNotSupported) {
		w.noDeadline, err = true, nil
	}
	if last := w.ended.Load(); last != nil && !w.noDeadline {
		w.control.SetWriteDeadline(*last)
	}
	return err
}

// keep sends a comment if it is due. It runs in the timer's goroutine, where nobody else would
// recover from a panic of the ResponseWriter.
func (w *Writer) keep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			w.fail(fmt.Errorf("sse: panic while a comment was written: %v", p))
			w.onEnd()
		}
	}()
	if !w.begun || w.usable() != nil {
		return
	}
	left := w.keepAlive - time.Since(w.began)
	if left <= 0 && !w.midLine {
		if w.send([]byte(Comment)) != nil {
			w.onEnd()
			return
		}
		left = w.keepAlive
	}
	w.timer.Reset(max(left, w.keepAlive/16))
}

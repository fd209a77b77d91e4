package replay

import (
	"errors"
	"net/http"
	"time"
)

// closeGrace is how long a write may go on after Close.
const closeGrace = time.Second

// end makes the stream end: Close calls it. A write in progress may go on for a moment, so that a healthy client
// gets whole events, and a stalled one does not hold up the server's Shutdown.
func (s *stream) end() {
	s.cancel()
	s.control.SetWriteDeadline(time.Now().Add(closeGrace))
}

// setDeadline gives the next write its time, in place of the server's WriteTimeout.
func (s *stream) setDeadline() error {
	s.written = time.Now()
	if s.writeTimeout < 0 {
		return s.deadline(time.Time{})
	}
	return s.deadline(s.written.Add(s.writeTimeout))
}

// finalDeadline is for what net/http writes at the response's end. It leaves the grace of Close as it is.
func (s *stream) finalDeadline() {
	s.setDeadline()
	if s.ctx.Err() != nil {
		s.deadline(time.Now().Add(closeGrace))
	}
}

// clearDeadline keeps an HTTP/2 stream alive between two writes, where the deadline's timer resets it whether
// something is being written or not. Over HTTP/1.1 it only concerns writes.
func (s *stream) clearDeadline() error {
	if !s.lapses || s.ctx.Err() != nil {
		return nil
	}
	return s.deadline(time.Time{})
}

func (s *stream) deadline(t time.Time) error {
	if s.noDeadline {
		return nil
	}
	err := s.control.SetWriteDeadline(t)
	if errors.Is(err, http.ErrNotSupported) {
		s.noDeadline, err = true, nil
	}
	return err
}

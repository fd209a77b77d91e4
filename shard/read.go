package shard

import (
	"context"
	"errors"

	"github.com/reprise-go/reprise/ring"
)

// Seek returns a cursor just after lastEventID, on that event's stream; "" means before the oldest
// event, on all streams. The errors are [ErrNotFound], ring.ErrEvicted and ring.ErrUnknownID; the
// latter two count as a gap in Stats. It is not activity.
func (s *Session) Seek(lastEventID string) (ring.Cursor, error) {
	if st := s.stateNow(); st.isEnded() {
		return ring.Cursor{}, s.refusal(st)
	}
	log := s.readable()
	if log == nil {
		return ring.Cursor{}, s.refusal(state(s.state.Load()))
	}
	c, err := log.Seek(lastEventID)
	switch {
	case err == nil:
	case errors.Is(err, ring.ErrEvicted):
		return c, s.home.refuse(gapEvicted, err)
	default:
		return c, s.home.refuse(gapUnknown, err)
	}
	return c, nil
}

// Tail returns a cursor after the newest event, on all streams. Once the session has ended and no
// reader is attached to it, the cursor is the zero Cursor, which reads nothing.
func (s *Session) Tail() ring.Cursor {
	s.stateNow()
	log := s.readable()
	if log == nil {
		return ring.Cursor{}
	}
	return log.Tail()
}

// Wait blocks until an event with Seq > seq is visible; it looks for one before it looks at ctx. It
// returns [ErrFinished] or [ErrNotFound] when no such event will come, and else ctx's error.
//
// When the session has ended, its events can be read only by those who are attached, or as long as
// somebody is: a cursor of anybody else is overtaken.
func (s *Session) Wait(ctx context.Context, seq uint64) error {
	s.stateNow()
	log := s.readable()
	if log == nil {
		return s.refusal(state(s.state.Load()))
	}
	err := s.home.wait(ctx, log, seq)
	if err != nil && errors.Is(err, ring.ErrClosed) {
		return s.logClosed()
	}
	return err
}

// PositionID returns the ID of the place just after sequence seq, as ring.Ring's PositionID does:
// Seek takes it, and it exists without an event, 0 in a session without any. It is "" once the
// session has ended and no reader is attached to it.
func (s *Session) PositionID(seq uint64) string {
	log := s.readable()
	if log == nil {
		return ""
	}
	return log.PositionID(seq)
}

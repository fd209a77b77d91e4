package shard

import (
	"context"
	"errors"
	"unsafe"

	"github.com/reprise-go/reprise/internal/prefetch"
	"github.com/reprise-go/reprise/ring"
)

// Append stores a copy of e and returns the stored event, with Seq and what e left empty filled in. It is activity. The errors are, in
// this precedence: [ErrNotFound], [ErrFinished], ring.ErrInvalidEvent, ring.ErrEventTooLarge, ring.ErrDuplicateID (with the event
// that is retained under that ID), [ErrOverBudget].
//
// It costs little more than the ring's Append: to record the activity takes one load, and once a millisecond a compare-and-swap, of
// a word that only this session's users share; with a TTL below 20 s, a reading of the clock and a compare-and-swap each time.
func (s *Session) Append(e ring.Event) (stored ring.Event, err error) {
	log := s.log.Load()
	prefetch.Fetch(&s.ahead, uintptr(unsafe.Pointer(log)))
	w := word(s.word.Load())
	now := s.home.clock.Now()
	if w.phase() != active || now-w.activity() >= fresh(s.life) ||
		now > w.activity() && !s.word.CompareAndSwap(uint64(w), uint64(w.at(now))) {
		if w = s.touch(); w.phase() != active {
			return ring.Event{}, s.refuse(w)
		}
	}
	if log == nil {
		return ring.Event{}, s.refuse(word(s.word.Load()))
	}
	if watch := s.home.watch.Load(); watch != nil && watch.picksAppend() {
		stored, err = watch.append(log, e)
	} else {
		stored, err = log.Append(e)
	}
	log.Foresee(&s.ahead)
	if err != nil && errors.Is(err, ring.ErrClosed) {
		return ring.Event{}, s.logClosed()
	}
	return stored, err
}

// Seek returns a cursor just after lastEventID, on that event's stream; "" means before the oldest event, on all
// streams. The errors are [ErrNotFound], ring.ErrEvicted and ring.ErrUnknownID; the latter two count as a gap in Stats. It is not
// activity.
func (s *Session) Seek(lastEventID string) (ring.Cursor, error) {
	if w := s.state(); w.ended() {
		return ring.Cursor{}, s.refuse(w)
	}
	log := s.log.Load()
	if log == nil {
		return ring.Cursor{}, s.refuse(word(s.word.Load()))
	}
	c, err := log.Seek(lastEventID)
	if err != nil {
		s.CountReplay(0, 1)
	}
	return c, err
}

// Tail returns a cursor after the newest event, on all streams. Once the session has ended and no stream is attached to it, the
// cursor is the zero Cursor, which reads nothing.
func (s *Session) Tail() ring.Cursor {
	s.state()
	log := s.log.Load()
	if log == nil {
		return ring.Cursor{}
	}
	return log.Tail()
}

// Oldest returns a cursor before the oldest retained event, on all streams. Like Tail it answers in a session that has ended for as
// long as a stream is attached, so that a reader which has been overtaken can go on with what is left.
func (s *Session) Oldest() ring.Cursor {
	s.state()
	log := s.log.Load()
	if log == nil {
		return ring.Cursor{}
	}
	c, _ := log.Seek("") // never fails
	return c
}

// PositionID returns the ID of the place just after sequence seq, as ring.Ring's PositionID does: Seek takes it, and it exists without
// an event, 0 in a session without any. It is "" once the session has ended and no stream is attached to it.
func (s *Session) PositionID(seq uint64) string {
	log := s.log.Load()
	if log == nil {
		return ""
	}
	return log.PositionID(seq)
}

// Wait blocks until an event with Seq > seq is visible; it looks for one before it looks at ctx. It returns [ErrFinished] or
// [ErrNotFound] when no such event will come, and else ctx's error.
//
// When the session has ended, events after seq are visible only to those who are attached. A reader that is not must read once more
// after ErrNotFound.
func (s *Session) Wait(ctx context.Context, seq uint64) error {
	s.state()
	log := s.log.Load()
	if log == nil {
		return s.refuse(word(s.word.Load()))
	}
	err := s.home.wait(ctx, log, seq)
	if err != nil && errors.Is(err, ring.ErrClosed) {
		return s.logClosed()
	}
	return err
}

// logClosed returns the error for a log that was found closed. A log closes by itself when it has used up its sequence numbers:
// that finishes the session.
func (s *Session) logClosed() error {
	w := word(s.word.Load())
	if w.phase() == active {
		if err := s.Finish(); err != nil {
			return err
		}
		w = word(s.word.Load())
	}
	return s.refuse(w)
}

// CountReplay adds to Stats.Replayed and Stats.Gaps; readers of the log report through it. Negative numbers count nothing.
func (s *Session) CountReplay(events, gaps int) {
	if events > 0 {
		s.home.stripe.Replayed.Add(int64(events))
	}
	if gaps > 0 {
		s.home.stripe.Gaps.Add(int64(gaps))
	}
}

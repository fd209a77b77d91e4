package replay

import (
	"encoding/json"
	"errors"

	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A GapSkipper is a Reader that can go on behind a gap without giving up its place among the
// session's readers: after [Reader.Err] was ring.ErrEvicted, SkipGap puts it before the oldest
// event that is retained, on the streams that it sees, and returns that event's sequence; 0 when
// there is none. It works in a session that has finished or ended meanwhile for as long as the
// reader is attached.
type GapSkipper interface {
	SkipGap() (first uint64, err error)
}

// A signal is the data of an event that the Handler makes itself. An application's own event of the
// same type has no such "reprise".
type signal struct {
	Reprise string `json:"reprise"`
}

type gap struct {
	signal
	LastEventID string `json:"lastEventId"`
	First       uint64 `json:"first"`
}

// open opens the reader and takes the first look: what it finds decides between a stream and a
// refusal.
func (s *Stream) open() error {
	s.takeBuffer()
	s.buf = sse.AppendRetry(append(s.buf[:0], sse.Comment...), orDefault(s.h.Retry, DefaultRetry), s.h.RetryMax)
	err := s.openAt(s.at)
	fromOldest := s.h.OnGap == GapFromOldest
	if fromOldest && (errors.Is(err, ring.ErrEvicted) || errors.Is(err, ring.ErrUnknownID)) {
		return s.openBehindGap()
	}
	if err != nil && !s.isDoneUntold(err) {
		return err
	}
	if s.truncated = s.isBeginningLost(); fromOldest && s.truncated {
		s.appendGap(s.oldest())
	} else if s.place != "" {
		s.buf = append(appendField(append(s.buf, "id: "...), s.place), '\n')
	}
	return nil
}

// openAt makes the reader, or replaces it by one at another position, and reads its first event, if
// one is ready. The new one is attached before the old one is detached, so that the session cannot
// end in between, unless there is room for one alone.
func (s *Stream) openAt(at Position) error {
	reader, err := s.session.open(s.ctx, at)
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
		if errors.Is(err, shard.ErrAttachLimit) {
			reader, err = s.session.open(s.ctx, at)
		}
	}
	if err != nil {
		return err
	}
	s.reader, s.at = reader, at
	if s.place = at.LastEventID; s.place == "" {
		s.place = s.placeNow()
	}
	return s.look()
}

// look reads the next event, if one is ready.
func (s *Stream) look() error {
	if s.ready = s.reader.Next(&s.event); s.ready {
		return nil
	}
	return s.reader.Err()
}

// placeNow is where the reader stands; "" when it cannot tell.
func (s *Stream) placeNow() string {
	if p, ok := s.reader.(Positioner); ok {
		return p.PositionID()
	}
	return ""
}

// isDoneUntold reports whether err is the end of a finished session of which the client is still to
// be told by a DoneEvent. One that comes back with the ID of that event has been told.
func (s *Stream) isDoneUntold(err error) bool {
	if s.h.DoneEvent == "" || s.reader == nil || !errors.Is(err, shard.ErrFinished) {
		return false
	}
	now := s.placeNow()
	return now != "" && now != s.at.LastEventID
}

// isBeginningLost reports whether a reader that asked for everything has begun behind events that
// are gone.
func (s *Stream) isBeginningLost() bool {
	if s.at.LastEventID != "" || s.at.Live {
		return false
	}
	if r, ok := s.reader.(*reader); ok {
		return r.began > 0
	}
	if s.ready && s.event.Seq == 1 {
		return false
	}
	info, err := s.session.info(s.ctx)
	return err == nil && info.Log.Evicted > 0
}

// openBehindGap begins at the oldest retained event, behind an event that says what is missing.
func (s *Stream) openBehindGap() error {
	err := s.openAt(s.afterGap())
	for errors.Is(err, ring.ErrEvicted) && s.ctx.Err() == nil { // overtaken again before the first look
		err = s.openAt(s.at)
	}
	if err != nil {
		return err
	}
	s.appendGap(s.oldest())
	return nil
}

// skipGap is openBehindGap for a stream that has been overtaken.
func (s *Stream) skipGap() error {
	s.takeBuffer()
	skipper, ok := s.reader.(GapSkipper)
	if !ok {
		return s.openBehindGap()
	}
	for {
		first, err := skipper.SkipGap()
		if err != nil {
			return err
		}
		s.place = s.placeNow()
		if err = s.look(); errors.Is(err, ring.ErrEvicted) && s.ctx.Err() == nil {
			continue
		}
		s.appendGap(first) // an end is found again behind it
		return nil
	}
}

// afterGap is where to go on: on the streams that the position names. One that names none but
// follows an event means that event's stream, which is known once an event of it was sent.
func (s *Stream) afterGap() Position {
	at := Position{All: s.at.All, Streams: s.at.Streams}
	if s.seesOneEventsStream() && s.anySent {
		at.Streams = []string{string(s.lastStream)}
	}
	return at
}

// seesOneEventsStream reports whether the position is MCP's: the stream of the event that it
// follows. A place names no stream, so that the client must not be told of one.
func (s *Stream) seesOneEventsStream() bool {
	return s.at.LastEventID != "" && !s.at.All && len(s.at.Streams) == 0
}

// oldest returns the sequence number of the oldest retained event, or of the event that was just
// read if that is older by now.
func (s *Stream) oldest() uint64 {
	var first uint64
	if info, err := s.session.info(s.ctx); err == nil {
		first = info.Log.First
	}
	if s.ready && (first == 0 || s.event.Seq < first) {
		first = s.event.Seq
	}
	return first
}

// remember keeps what a gap will need to know of the event that was just encoded. It copies, so as
// not to pin the log's memory.
func (s *Stream) remember(e *ring.Event) {
	if s.h.OnGap != GapFromOldest {
		return
	}
	s.lastID = append(s.lastID[:0], e.ID...)
	s.lastStream = append(s.lastStream[:0], e.Stream...)
	s.anySent = true
}

// appendGap appends the gap event. Its ID is the place behind the gap, so that a client has both or
// neither.
func (s *Stream) appendGap(first uint64) {
	place := s.place
	if s.seesOneEventsStream() || place == s.at.LastEventID {
		place = ""
	}
	s.buf = appendSignal(s.buf, "gap", place, gap{signal{"gap"}, string(s.lastID), first})
	s.gaps++
}

// appendSignal appends an event that no Store has. Without an id line the client's last event ID
// remains what it was.
func appendSignal(dst []byte, typ, place string, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil { // cannot happen: strings and a number
		return dst
	}
	return AppendSSE(dst, ring.Event{ID: place, Type: typ, Data: text})
}

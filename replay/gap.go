package replay

import (
	"encoding/json"
	"errors"

	"github.com/reprise-go/reprise/ring"
)

// open opens the reader and takes the first look: what it finds decides between a stream and a refusal.
func (s *stream) open() error {
	err := s.openAt(s.at)
	if s.h.OnGap == GapFromOldest && (errors.Is(err, ring.ErrEvicted) || errors.Is(err, ring.ErrUnknownID)) {
		return s.skipGap()
	}
	return err
}

// openAt replaces the reader by one at another position and reads its first event, if one is ready.
func (s *stream) openAt(at Position) error {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
	reader, err := s.session.open(s.ctx, at)
	if err != nil {
		return err
	}
	s.reader, s.at = reader, at
	if s.ready = reader.Next(&s.event); s.ready {
		return nil
	}
	return reader.Err()
}

// skipGap goes on from the oldest retained event, behind an event that says what is missing.
func (s *stream) skipGap() error {
	at := s.afterGap()
	err := s.openAt(at)
	for errors.Is(err, ring.ErrEvicted) && s.ctx.Err() == nil { // overtaken again before the first look
		err = s.openAt(at)
	}
	if err != nil {
		return err
	}
	s.buf = appendGap(s.buf, string(s.lastID), s.oldest())
	s.gaps++
	return nil
}

// afterGap is where to go on: on the streams that the position names. One that names none but follows an event means
// that event's stream, which is known once an event of it was sent.
func (s *stream) afterGap() Position {
	at := Position{All: s.at.All, Streams: s.at.Streams}
	if !at.All && len(at.Streams) == 0 && s.at.LastEventID != "" && s.anySent {
		at.Streams = []string{string(s.lastStream)}
	}
	return at
}

// oldest returns the sequence number of the oldest retained event, or of the event that was just read if that is older by now.
func (s *stream) oldest() uint64 {
	var first uint64
	if info, err := s.session.info(s.ctx); err == nil {
		first = info.Log.First
	}
	if s.ready && (first == 0 || s.event.Seq < first) {
		first = s.event.Seq
	}
	return first
}

// remember keeps what a gap will need to know of the event that was just encoded. It copies, so as not to pin the log's memory.
func (s *stream) remember() {
	if s.h.OnGap != GapFromOldest {
		return
	}
	s.lastID = append(s.lastID[:0], s.event.ID...)
	s.lastStream = append(s.lastStream[:0], s.event.Stream...)
	s.anySent = true
}

// appendGap appends the event of type "gap". Without an id line it leaves the client's last event ID alone.
func appendGap(dst []byte, lastEventID string, first uint64) []byte {
	data, err := json.Marshal(struct {
		LastEventID string `json:"lastEventId"`
		First       uint64 `json:"first"`
	}{lastEventID, first})
	if err != nil { // cannot happen: a string and a number
		return dst
	}
	dst = append(dst, "event: gap\n"...)
	return append(appendData(dst, data), '\n')
}

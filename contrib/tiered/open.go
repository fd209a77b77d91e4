package tiered

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Open implements replay.Store: of the session in this process, which takes it over if no other one
// has it, or else of the copy.
func (s *Store) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	h, err := s.writable(ctx, id)
	switch {
	case err == nil:
		return s.openFront(ctx, h, at)
	case errors.Is(err, ErrElsewhere), errors.Is(err, shard.ErrFinished):
		return s.openBehind(ctx, id, at)
	case errors.Is(err, shard.ErrNotFound):
		if _, here := s.manager.Info(id); here == nil {
			return s.front.Open(ctx, id, at)
		}
	}
	return nil, err
}

// readBehind opens the copy, in time.
func (s *Store) readBehind(ctx context.Context, id string, at replay.Position) (r replay.Reader, err error) {
	err = s.behind(ctx, func(ctx context.Context) (err error) {
		r, err = s.back.Open(ctx, id, at)
		return err
	})
	return r, err
}

// infoBehind describes the copy, in time.
func (s *Store) infoBehind(ctx context.Context, id string) (info shard.Info, err error) {
	err = s.behind(ctx, func(ctx context.Context) (err error) {
		info, err = s.back.Info(ctx, id)
		return err
	})
	return info, err
}

// placeOf returns the sequence number of a place that a log with that tag has named: see
// replay.Positioner.
func placeOf(id string) (tag string, seq uint64, ok bool) {
	tag, number, ok := strings.Cut(id, ".")
	seq, err := strconv.ParseUint(number, 10, 40)
	return tag, seq, ok && err == nil && number == strconv.FormatUint(seq, 10)
}

// here returns at as the log in this process knows it. A place that an earlier log of the session
// has named is there if it is the beginning, or if the event before it is there under the ID which
// that log gave it. Any other event may stand where one is lost.
func (h *session) here(at replay.Position) replay.Position {
	tag, seq, ok := placeOf(at.LastEventID)
	if !ok || at.LastEventID == h.front.PositionID(seq) {
		return at
	}
	isHere := seq == 0 && tag == h.tag
	if cursor, err := h.front.Seek(fmt.Sprintf("%s-%d", tag, seq)); err == nil && seq > 0 {
		isHere = cursor.Seq() == seq
	}
	if isHere {
		at.LastEventID = h.front.PositionID(seq)
	}
	return at
}

// openBehind opens the copy. A place that its writer has named means nothing to the Store behind:
// it is found by the ID that the writer gave to the event before it or, where no events are lost,
// by the sequence number.
func (s *Store) openBehind(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	r, err := s.readBehind(ctx, id, at)
	if !errors.Is(err, ring.ErrUnknownID) {
		return r, err
	}
	tag, seq, ok := placeOf(at.LastEventID)
	if !ok {
		return nil, err
	}
	streams := at.Streams
	if at.All {
		streams = nil
	}
	at = replay.Position{LastEventID: fmt.Sprintf("%s-%d", tag, seq), All: len(streams) == 0, Streams: streams}
	if r, again := s.readBehind(ctx, id, at); !errors.Is(again, ring.ErrUnknownID) {
		return r, again
	}
	info, infoErr := s.infoBehind(ctx, id)
	if infoErr != nil {
		return nil, infoErr
	}
	switch {
	case seq > info.Log.Last:
		return nil, err
	case seq+1 < info.Log.First:
		return nil, fmt.Errorf("%w: ID %q", ring.ErrEvicted, at.LastEventID)
	case seq > 0 && !s.cfg.Sync: // another event may stand there than the one that whoever asks knows
		return nil, err
	case seq+1 > max(1, info.Log.First): // in the middle, after an event with an ID of the application's own
		return s.openAfter(ctx, id, seq, at)
	}
	at.LastEventID = ""
	return s.readBehind(ctx, id, at)
}

// openAfter opens the copy after a sequence number, by reading up to it.
func (s *Store) openAfter(ctx context.Context, id string, seq uint64, at replay.Position) (replay.Reader, error) {
	r, err := s.readBehind(ctx, id, replay.Position{All: true})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var e ring.Event
	for r.Next(&e) {
		if e.Seq == seq {
			at.LastEventID = e.ID
			return s.readBehind(ctx, id, at)
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %q", ring.ErrUnknownID, at.LastEventID)
}

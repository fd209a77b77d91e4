package gosdk

import (
	"context"
	"errors"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// scans is how often a scan that eviction overtakes begins again before its events count as purged.
const scans = 3

// span is the events first to end-1 of one stream.
type span struct {
	stream     string // as the ring knows it
	first, end uint64
	lost       map[uint64][]byte // what stands for events that the Store has refused
}

// collect returns the data of a stream's events after index: all of them or an error.
func (es *EventStore) collect(ctx context.Context, sessionID, streamID string, index int) ([][]byte, error) {
	if index < -1 {
		return nil, fmt.Errorf("gosdk: index %d of stream %.64q is below -1", index, streamID)
	}
	s := es.get(sessionID)
	if s == nil {
		return nil, unknownSession(sessionID)
	}
	stream := es.hash(streamID)
	if err := s.enter(ctx, stream); err != nil {
		return nil, fmt.Errorf("gosdk: session %.64q: waiting for stream %.64q: %w", sessionID, streamID, err)
	}
	defer s.leave(stream)
	end, err := s.next(stream)
	if err != nil {
		return nil, fmt.Errorf("%w: %.64q in session %.64q", err, streamID, sessionID)
	}
	first := uint64(index) + 1 // 0 for -1
	if first > end {
		return nil, fmt.Errorf(
			"gosdk: stream %.64q in session %.64q: %w: index %d, of %d events",
			streamID,
			sessionID,
			ring.ErrUnknownID,
			index,
			end,
		)
	}
	if first == end {
		// Nothing is missing, however little is retained. The session may have ended all the same.
		return nil, es.check(s, es.touch(ctx, s))
	}
	data, err := es.read(ctx, s, span{ringStream(streamID), first, end, s.lostOf(stream)})
	if err != nil {
		return nil, es.check(s, fmt.Errorf("stream %.64q after %d: %w", streamID, index, err))
	}
	return data, nil
}

// touch is the Store's Touch for reading: a finished session is readable.
func (es *EventStore) touch(ctx context.Context, s *session) error {
	err := es.store.Touch(ctx, s.id)
	if errors.Is(err, shard.ErrFinished) {
		return nil
	}
	return err
}

// read returns the events of a span. It goes by the event before the span if that is retained, for
// then so is everything after it that was ever stored; else it looks through what the stream
// retains, once it knows that the span's oldest stored event is among it.
func (es *EventStore) read(ctx context.Context, s *session, sp span) ([][]byte, error) {
	if sp.first > 0 {
		events, err := es.drain(ctx, s.id, replay.Position{LastEventID: eventID(sp.stream, sp.first-1)})
		if err == nil {
			return sp.of(events)
		}
		if !missing(err) {
			return nil, err
		}
	}
	oldest, any := sp.oldestStored()
	if !any {
		if err := es.touch(ctx, s); err != nil {
			return nil, err
		}
		return sp.of(nil)
	}
	for range scans {
		r, err := es.store.Open(ctx, s.id, replay.Position{LastEventID: eventID(sp.stream, oldest)})
		if missing(err) {
			return nil, mcp.ErrEventsPurged
		}
		if err != nil {
			return nil, err
		}
		r.Close()
		events, err := es.drain(ctx, s.id, replay.Position{Streams: []string{sp.stream}})
		if err == nil {
			return sp.of(events)
		}
		if !errors.Is(err, ring.ErrEvicted) {
			return nil, err
		}
	}
	return nil, mcp.ErrEventsPurged
}

func (es *EventStore) drain(ctx context.Context, id string, at replay.Position) ([]ring.Event, error) {
	r, err := es.store.Open(ctx, id, at)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	events, err := replay.Drain(r)
	if errors.Is(err, shard.ErrFinished) { // nothing is left to read, and nothing will follow
		return nil, nil
	}
	return events, err
}

// oldestStored returns the first index of the span that was not refused; false: all were.
func (sp span) oldestStored() (uint64, bool) {
	for index := sp.first; index < sp.end; index++ {
		if _, refused := sp.lost[index]; !refused {
			return index, true
		}
	}
	return 0, false
}

// of picks the span's events out of the stream's, and puts in what stands for refused ones: every
// index, in order, or mcp.ErrEventsPurged. Events that others have appended to the stream are
// passed over.
func (sp span) of(events []ring.Event) ([][]byte, error) {
	data := make([][]byte, 0, min(sp.end-sp.first, uint64(len(events)+len(sp.lost))))
	fill := func(end uint64) bool {
		for index := sp.first + uint64(len(data)); index < end; index++ {
			instead, refused := sp.lost[index]
			if !refused {
				return false
			}
			data = append(data, instead)
		}
		return true
	}
	for _, e := range events {
		index, ok := indexOf(sp.stream, e.ID)
		if !ok || index < sp.first+uint64(len(data)) || index >= sp.end {
			continue
		}
		if !fill(index) {
			return nil, mcp.ErrEventsPurged
		}
		data = append(data, e.Data)
	}
	if !fill(sp.end) {
		return nil, mcp.ErrEventsPurged
	}
	return data, nil
}

// missing reports whether err says that an event is not retained.
func missing(err error) bool {
	return errors.Is(err, ring.ErrUnknownID) || errors.Is(err, ring.ErrEvicted)
}

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
}

// collect returns the events of a stream after index: all of them or an error.
func (es *EventStore) collect(ctx context.Context, sessionID, streamID string, index int) ([]ring.Event, error) {
	if index < -1 {
		return nil, fmt.Errorf("gosdk: index %d of stream %.64q is below -1", index, streamID)
	}
	s := es.get(sessionID)
	if s == nil {
		return nil, unknownSession(sessionID)
	}
	stream := es.hash(streamID)
	lane := s.laneOf(stream)
	lane.Lock()
	defer lane.Unlock()
	end, err := s.next(stream)
	if err != nil {
		return nil, fmt.Errorf("%w: %.64q in session %.64q", err, streamID, sessionID)
	}
	first := uint64(index + 1)
	if first >= end {
		// Nothing is missing, however little is retained. The session may have ended all the same.
		err := es.store.Touch(ctx, s.id)
		if errors.Is(err, shard.ErrFinished) {
			err = nil // readable, as for a reader
		}
		return nil, es.check(s, err)
	}
	events, err := es.read(ctx, s.id, span{ringStream(streamID), first, end})
	if err != nil {
		return nil, es.check(s, fmt.Errorf("stream %.64q after %d: %w", streamID, index, err))
	}
	return events, nil
}

// read returns the events of a span. It goes by the event before the span if that is retained, for then so is everything
// after it that was ever stored; else it looks through what the stream retains, once it knows that the first one is among it.
func (es *EventStore) read(ctx context.Context, id string, sp span) ([]ring.Event, error) {
	if sp.first > 0 {
		events, err := es.drain(ctx, id, replay.Position{LastEventID: eventID(sp.stream, sp.first-1)})
		if err == nil {
			return sp.of(events)
		}
		if !missing(err) {
			return nil, err
		}
	}
	for range scans {
		r, err := es.store.Open(ctx, id, replay.Position{LastEventID: eventID(sp.stream, sp.first)})
		if missing(err) {
			return nil, mcp.ErrEventsPurged
		}
		if err != nil {
			return nil, err
		}
		r.Close()
		events, err := es.drain(ctx, id, replay.Position{Streams: []string{sp.stream}})
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
	return replay.Drain(r)
}

// of picks the span's events out of the stream's: every one, in order, or mcp.ErrEventsPurged. Events that others have appended to
// the stream are passed over.
func (sp span) of(events []ring.Event) ([]ring.Event, error) {
	picked, want := events[:0], sp.first
	for _, e := range events {
		index, ok := indexOf(sp.stream, e.ID)
		if !ok || index < want {
			continue
		}
		if index != want {
			return nil, mcp.ErrEventsPurged
		}
		picked = append(picked, e)
		want++
	}
	if want != sp.end {
		return nil, mcp.ErrEventsPurged
	}
	return picked, nil
}

// missing reports whether err says that an event is not retained.
func missing(err error) bool {
	return errors.Is(err, ring.ErrUnknownID) || errors.Is(err, ring.ErrEvicted)
}

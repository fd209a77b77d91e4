package mcpgo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// scans is how often a scan that eviction overtakes begins again before its events count as gone.
const scans = 3

// found is what a replay hands out: events with their messages as Data.
type found struct {
	stream string
	events []ring.Event
}

// collect returns the events after lastEventID on its stream: all of them or an error.
func (es *EventStore) collect(ctx context.Context, sessionID, lastEventID string) (found, error) {
	name, ok := nameOf(lastEventID)
	if !ok {
		return found{}, es.explain(sessionID, lastEventID, ring.ErrUnknownID)
	}
	if was, _ := es.past.of(sessionID); was == ended {
		return found{}, es.explain(sessionID, lastEventID, shard.ErrNotFound)
	}
	var waiting []ring.Event
	if es.mend(ctx, sessionID, name) != nil { // perhaps the Store can be read
		waiting = es.holes.of(holeKey(sessionID, name))
	}
	var f found
	var err error
	if isHashed(name) {
		f, err = es.scan(ctx, sessionID, name, lastEventID)
	} else {
		f.stream = name
		f.events, err = es.drain(ctx, sessionID, replay.Position{LastEventID: lastEventID})
	}
	if err != nil {
		return found{}, es.explain(sessionID, lastEventID, err)
	}
	f.events = append(f.events, waiting...)
	if !f.open(name) {
		return found{}, damaged(lastEventID)
	}
	return f, nil
}

// scan finds lastEventID among all events of a stream, for one of which it must be to tell the
// stream's ID.
func (es *EventStore) scan(ctx context.Context, sessionID, name, lastEventID string) (found, error) {
	err := ring.ErrEvicted
	for i := 0; i < scans && errors.Is(err, ring.ErrEvicted); i++ {
		var events []ring.Event
		events, err = es.drain(ctx, sessionID, replay.Position{Streams: []string{name}})
		if err != nil {
			continue
		}
		at := slices.IndexFunc(events, func(e ring.Event) bool { return e.ID == lastEventID })
		if at < 0 {
			return found{}, ring.ErrUnknownID
		}
		streamID, _, ok := disclose(name, events[at].Data)
		if !ok {
			return found{}, ring.ErrUnknownID
		}
		return found{streamID, events[at+1:]}, nil
	}
	return found{}, err
}

// drain reads what the Store has now, and lets go of the reader.
func (es *EventStore) drain(ctx context.Context, sessionID string, at replay.Position) ([]ring.Event, error) {
	r, err := es.store.Open(ctx, sessionID, at)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	events, err := replay.Drain(r)
	if errors.Is(err, shard.ErrFinished) {
		return nil, nil // everything was read, and nothing will follow
	}
	return events, err
}

// open takes the messages out of the events and passes over those that others have appended to the
// stream. It reports false when one of the stream's events is not as it was stored.
func (f *found) open(name string) bool {
	events := f.events[:0]
	for _, e := range f.events {
		if of, ok := nameOf(e.ID); !ok || of != name {
			continue
		}
		_, message, ok := disclose(name, e.Data)
		if !ok {
			return false
		}
		e.Data = message
		events = append(events, e)
	}
	f.events = events
	return true
}

// explain turns the Store's reason for not replaying into what the SDK tells apart.
func (es *EventStore) explain(sessionID, lastEventID string, err error) error {
	switch {
	case errors.Is(err, shard.ErrNotFound):
		if was, _ := es.past.of(sessionID); was == existed {
			es.past.advance(sessionID, ended, 0)
		}
	case errors.Is(err, ring.ErrEvicted):
	case errors.Is(err, ring.ErrUnknownID):
		if es.issued(sessionID, lastEventID) {
			err = ring.ErrEvicted // to the Store it is any ID that is not there
		}
	default:
		return fmt.Errorf("mcpgo: resuming session %.64q: %w", sessionID, err)
	}
	return fmt.Errorf("mcpgo: %w: %.64q in session %.64q: %w", server.ErrUnknownEventID, lastEventID, sessionID, err)
}

// damaged is the error for a replay across an event that is not as it was stored.
func damaged(lastEventID string) error {
	return fmt.Errorf(
		"mcpgo: %w: %.64q: an event after it is damaged: %w",
		server.ErrUnknownEventID,
		lastEventID,
		ring.ErrEvicted,
	)
}

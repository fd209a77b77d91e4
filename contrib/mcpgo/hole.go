package mcpgo

import (
	"context"
	"fmt"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/ring"
)

// lost is the type of an event that stands for one that the Store refused. The SDK goes on after a refusal, so that without it a replay would
// leave a message out and nobody would know.
const lost = "lost"

// lose marks the place of a refused event in its stream. Should the Store refuse even that, the stream is remembered as having a hole at its end.
func (es *EventStore) lose(ctx context.Context, sessionID, name string) {
	if es.mark(ctx, sessionID, name) != nil {
		es.holes.advance(holeKey(sessionID, name), ended, 0)
	}
}

// mend writes the mark that lose could not. Nothing may be stored behind a hole before.
func (es *EventStore) mend(ctx context.Context, sessionID, name string) error {
	if !es.hasHole(sessionID, name) {
		return nil
	}
	err := es.mark(ctx, sessionID, name)
	if err == nil {
		es.holes.forget(holeKey(sessionID, name))
	}
	return err
}

func (es *EventStore) mark(ctx context.Context, sessionID, name string) error {
	return es.put(ctx, sessionID, ring.Event{ID: es.newID(sessionID, name), Stream: name, Type: lost})
}

func (es *EventStore) hasHole(sessionID, name string) bool {
	if es.holes.empty() {
		return false
	}
	was, _ := es.holes.of(holeKey(sessionID, name))
	return was == ended
}

// holeKey is unambiguous: a session ID that the Store knows has no line break.
func holeKey(sessionID, name string) string { return sessionID + "\n" + name }

// incomplete is the error for a replay across a hole.
func incomplete(lastEventID string) error {
	return fmt.Errorf("mcpgo: %w: %.64q: an event after it was refused: %w", server.ErrUnknownEventID, lastEventID, ring.ErrEvicted)
}

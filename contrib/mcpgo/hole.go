package mcpgo

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/reprise-go/reprise/internal/jsonrpc"
	"github.com/reprise-go/reprise/internal/mcpstore"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// The SDK goes on after an event was refused, so that a replay would leave a message out and nobody
// would know. Each refused event is therefore stood for by a small one: an error for the request
// that it would have answered, or a log message. Where the Store refuses even that, it waits in
// memory and is stored before the next event of its stream.

const (
	maxHoles    = 1 << 14 // streams with events that wait; the one that has waited longest is forgotten first
	maxStandIns = 16      // events of one stream that wait
)

// lose puts something in the place of a refused message.
func (es *EventStore) lose(ctx context.Context, sessionID, name, streamID string, message []byte, err error) {
	es.lost.Add(1)
	if es.cfg.Logger != nil {
		es.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "mcpgo: an event was refused and cannot be replayed",
			slog.String("session", sessionID), slog.Int("bytes", len(message)), slog.Any("error", err))
	}
	standIn := jsonrpc.Lost(message, mcpstore.Reason(err))
	e := ring.Event{ID: es.newID(sessionID, name), Stream: name, Data: enclose(name, streamID, standIn)}
	key := holeKey(sessionID, name)
	if len(es.holes.of(key)) > 0 || es.put(ctx, sessionID, e) != nil {
		es.holes.add(key, e)
	}
}

// mend stores what lose could not. Nothing may be stored behind it before. Storing twice is
// harmless: the events have their IDs.
func (es *EventStore) mend(ctx context.Context, sessionID, name string) error {
	key := holeKey(sessionID, name)
	for _, e := range es.holes.of(key) {
		err := es.put(ctx, sessionID, e)
		if err != nil && !errors.Is(err, shard.ErrNotFound) {
			return err
		}
		es.holes.filled(key, e.ID) // or its session has ended
	}
	return nil
}

// holeKey is unambiguous: a session ID that the Store knows has no line break.
func holeKey(sessionID, name string) string { return sessionID + "\n" + name }

// holes are the events that wait, of each stream in their order. The zero holes is ready and safe
// for concurrent use.
type holes struct {
	mu     sync.Mutex // guards what follows; held for a few steps only
	events map[string][]ring.Event
	order  []string // the keys of events, the one that has waited longest first
}

func (h *holes) of(key string) []ring.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events[key]
}

// add lets an event wait. Where too many do, the newest takes the place of the one before it: as a
// rule they are log messages alike, for a stream has one request that is answered, at its end.
func (h *holes) add(key string, e ring.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	waiting, known := h.events[key]
	if !known {
		if len(h.order) == maxHoles {
			delete(h.events, h.order[0])
			h.order = h.order[1:]
		}
		if h.events == nil {
			h.events = map[string][]ring.Event{}
		}
		h.order = append(h.order, key)
	}
	if len(waiting) == maxStandIns {
		waiting = waiting[:maxStandIns-1]
	}
	h.events[key] = append(waiting[:len(waiting):len(waiting)], e) // others may be reading the slice
}

// filled takes out an event that has been stored.
func (h *holes) filled(key, id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	waiting := h.events[key]
	if len(waiting) == 0 || waiting[0].ID != id {
		return
	}
	if len(waiting) > 1 {
		h.events[key] = waiting[1:]
		return
	}
	delete(h.events, key)
	for i, k := range h.order {
		if k == key {
			h.order = append(h.order[:i:i], h.order[i+1:]...)
			return
		}
	}
}

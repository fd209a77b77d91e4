// Package mcpgo plugs Reprise into github.com/mark3labs/mcp-go: [EventStore] is its
// server.EventStore and [EventStore.Sessions] its server.SessionIdManager.
//
//	manager, _ := shard.New(shard.Config{})
//	events := mcpgo.New(replay.Local(manager))
//	handler := server.NewStreamableHTTPServer(mcpServer,
//		server.WithEventStore(events),
//		server.WithSessionIdManager(events.Sessions()),
//		server.WithSessionIdleTTL(time.Hour),
//		server.WithHeartbeatInterval(30*time.Second))
//	http.ListenAndServe(addr, handler)
//
// The idle TTL makes the SDK let go of clients that never come back: it goes on storing broadcasts
// for them, which is activity to the Store. The heartbeat keeps the SDK from taking a quiet
// listening stream for such a client. The Store is told of neither: its own TTL should exceed the
// longest silence of a session.
package mcpgo

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/internal/mcpstore"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// patience is how long the Store may take where the SDK gives no context or one that a client can
// end.
const patience = 10 * time.Second

// An EventStore keeps the SDK's streams in a [replay.Store]: one session there for each of the
// SDK's, one event for each message. One EventStore serves all sessions and all servers of a
// process. It is safe for concurrent use and starts no goroutine.
//
// An event's ID tells its stream and is what the client sends back; it is at most ring.MaxIDBytes
// long. Events, limits and expiry are the Store's. All streams of a session share its room: a busy
// stream evicts the events of a quiet one.
//
// Beside the Store an EventStore remembers the [MaxRemembered] session IDs that were in use last,
// in 32 bytes each at most, so that a late message does not begin a session anew that has ended,
// however long ago. The Store itself knows that for as long as a session lingers. Of streams it
// remembers those that have lost an event while the Store could not even be told, 16,384 at most.
// All this is the process's alone.
type EventStore struct {
	store replay.Store
	seed  maphash.Seed // of the seals in event IDs
	cfg   Config
	past  *past         // of sessions
	holes holes         // of streams
	lost  atomic.Uint64 // events that the Store has refused
}

var _ server.EventStore = (*EventStore)(nil)

// New returns an EventStore over store, with the zero [Config].
func New(store replay.Store) *EventStore {
	return &EventStore{store: store, seed: maphash.MakeSeed(), past: newPast(MaxRemembered)}
}

// NewWith is New with a configuration. An error is a *ring.ConfigError, with the field that is out
// of range and its value.
func NewWith(store replay.Store, cfg Config) (*EventStore, error) {
	if err := mcpstore.Check(cfg.MaxEventBytes); err != nil {
		return nil, fmt.Errorf("mcpgo: Config: %w", err)
	}
	es := New(store)
	es.cfg = cfg
	return es, nil
}

// StoreEvent stores message as the stream's next event and returns its ID. The first event of a
// session creates it in the Store; a session that exists there already is used. Any stream ID will
// do; a session ID is 1 to 128 bytes of 0x21 to 0x7E, so that nothing is stored for the session ""
// of a stateless server.
//
// The errors are shard.ErrNotFound for a session that has ended or been purged, which does not come
// back; shard.ErrInvalidID; shard.ErrSessionLimit; and what Append of the [replay.Store] says. The
// SDK then delivers the message without an ID. A message that the Store refuses costs itself alone:
// it is counted, logged and, in a replay, stood for by a JSON-RPC error for the request that it
// would have answered, or by a log message (notifications/message) where nobody waits for it.
func (es *EventStore) StoreEvent(
	ctx context.Context,
	sessionID, streamID string,
	message json.RawMessage,
) (string, error) {
	ctx = context.WithoutCancel(ctx) // the event belongs to the stream whether or not its client is still there
	name := streamName(streamID)
	lose := func(err error) { es.lose(ctx, sessionID, name, streamID, message, err) }
	e := ring.Event{ID: es.newID(sessionID, name), Stream: name, Data: enclose(name, streamID, message)}
	err := es.mend(ctx, sessionID, name)
	if err == nil {
		err = es.append(ctx, sessionID, e, lose)
	} else {
		lose(err)
	}
	if err != nil {
		return "", fmt.Errorf("mcpgo: session %.64q: %w", sessionID, err)
	}
	return e.ID, nil
}

// ReplayEventsAfter hands send all events that were stored after lastEventID on its stream, in
// order, and returns the stream. They are collected first, so that it is all of them or an error,
// and nothing is held while send runs; it may call the EventStore. The messages are shared: do not
// write to them. It returns the first error of send as it is.
//
// An ID that cannot be resumed from is server.ErrUnknownEventID, which also wraps the reason:
// ring.ErrEvicted when it was issued for this session and it or an event after it has been dropped
// since, ring.ErrUnknownID when it was not (or before a restart), shard.ErrNotFound when the
// session has ended. Any other error means that the Store cannot tell.
//
// It costs a constant, whatever the log holds, and what the events returned cost. Only a stream ID
// that is no printable ASCII or longer than about 230 bytes takes a scan of the log.
func (es *EventStore) ReplayEventsAfter(
	ctx context.Context,
	sessionID, lastEventID string,
	send func(eventID string, message json.RawMessage) error,
) (string, error) {
	found, err := es.collect(ctx, sessionID, lastEventID)
	if err != nil {
		return "", err
	}
	for _, e := range found.events {
		if err := send(e.ID, e.Data); err != nil {
			return "", err
		}
	}
	return found.stream, nil
}

// PurgeSession ends the session in the Store: its events are gone and its ID stays dead, also when
// it had not stored anything yet. It is idempotent, does not end with ctx, and gives the Store ten
// seconds.
func (es *EventStore) PurgeSession(ctx context.Context, sessionID string) error {
	es.past.advance(sessionID, ended, 0)
	return es.terminate(ctx, sessionID)
}

func (es *EventStore) terminate(ctx context.Context, sessionID string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := es.store.Terminate(ctx, sessionID); err != nil {
		return fmt.Errorf("mcpgo: ending session %.64q: %w", sessionID, err)
	}
	return nil
}

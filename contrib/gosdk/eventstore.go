// Package gosdk plugs Reprise into the official MCP SDK for Go,
// github.com/modelcontextprotocol/go-sdk: [EventStore] is its mcp.EventStore, [NewSessionID] its
// session IDs, and [Middleware] what the SDK does not tell an event store: who asks, and that a
// stream is open.
//
//	manager, _ := shard.New(shard.Config{})
//	store := replay.Local(manager)
//	server := mcp.NewServer(impl, &mcp.ServerOptions{GetSessionID: gosdk.NewSessionID})
//	handler := mcp.NewStreamableHTTPHandler(
//		func(*http.Request) *mcp.Server { return server },
//		&mcp.StreamableHTTPOptions{EventStore: gosdk.New(store)})
//	http.ListenAndServe(addr, gosdk.Middleware(store, handler, gosdk.Options{}))
package gosdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/mcpstore"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// MaxStreams is how many streams of one session an [EventStore] remembers, in 32 bytes each at
// most. Each call of an MCP client makes one, and none is ever said to be finished. Beyond
// MaxStreams the stream that was written to least recently is forgotten, though never the
// standalone stream: it answers with [ErrUnknownStream] from then on instead of counting from 0
// again. (Opening it a second time would make it a new stream; the SDK opens each stream once.)
const MaxStreams = 1 << 17

// ErrUnknownStream is the answer for a stream that was never opened or has been forgotten.
var ErrUnknownStream = errors.New("gosdk: unknown stream")

// An EventStore keeps the SDK's streams in a [replay.Store]: one session there for each of the
// SDK's, one event for each Append. One EventStore serves all sessions and all servers of a
// process. It is safe for concurrent use; no goroutine of its own outlives a call by more than ten
// seconds.
//
// The SDK numbers a stream's events itself, so an index is a count of Appends, refused ones
// included. Event n of stream s has the ID "s_n" in the Store, which is also its ID on the wire. By
// that ID After finds its place in constant time; it scans what the session retains only for a
// replay from the start, or when event n is gone and event n+1 is not.
//
// How far each stream has counted is kept in this process and released when the session ends (see
// [CloseEnded] for doing so at once). Events, limits and expiry are the Store's. All streams of a
// session share its room: a busy stream evicts the events of a quiet one.
type EventStore struct{ *registry }

var _ mcp.EventStore = (*EventStore)(nil)

// New returns an EventStore over store, with the zero [Config]. Nothing else may append to its
// sessions under stream names that the SDK uses.
func New(store replay.Store) *EventStore { return &EventStore{newRegistry(store, Config{})} }

// NewWith is New with a configuration. An error is a *ring.ConfigError, with the field that is out
// of range and its value.
func NewWith(store replay.Store, cfg Config) (*EventStore, error) {
	if err := mcpstore.Check(cfg.MaxEventBytes); err != nil {
		return nil, fmt.Errorf("gosdk: Config: %w", err)
	}
	return &EventStore{newRegistry(store, cfg)}, nil
}

// Open makes a stream known, and its session when that is new; nothing else creates a session. An
// ended session is an error that wraps shard.ErrNotFound; so is, for good, one that has been
// closed, but for the session "". A known stream stays as it is.
//
// A session that the application has created in the Store under the same ID is used, provided that
// nothing has been appended to it.
func (es *EventStore) Open(ctx context.Context, sessionID, streamID string) error {
	x := exchangeOf(ctx)
	err := es.openStream(ctx, sessionID, streamID)
	switch {
	case x == nil:
	case err != nil:
		x.err = err
	default:
		x.endpoint.know(es)
		if x.opened != nil {
			x.opened(sessionID, streamID)
		}
	}
	return err
}

func (es *EventStore) openStream(ctx context.Context, sessionID, streamID string) error {
	stream := es.hash(streamID)
	for {
		s, err := es.obtain(ctx, sessionID)
		if err != nil {
			return err
		}
		if s.open(stream, streamID == "") {
			return nil
		}
		// Closed in between. The next round finds that out, or makes the session "" anew.
		if sessionID != "" {
			return unknownSession(sessionID)
		}
	}
}

// Append stores data as the stream's next event. Whatever the outcome, the event's index is used
// up. One that the Store refuses costs itself alone: it is counted, logged and, in a replay, stood
// for by a JSON-RPC error for the request that it would have answered, or by a log message
// (notifications/message) where nobody waits for it. The newest 256 refusals of a session are
// remembered; a replay across an older one is mcp.ErrEventsPurged. The stream must have been
// opened.
func (es *EventStore) Append(ctx context.Context, sessionID, streamID string, data []byte) error {
	s := es.get(sessionID)
	if s == nil {
		return unknownSession(sessionID)
	}
	// The event belongs to the stream whether or not somebody still waits for it.
	ctx = context.WithoutCancel(ctx)
	stream := es.hash(streamID)
	if err := s.enter(ctx, stream); err != nil {
		return err
	}
	defer s.leave(stream)
	index, err := s.take(stream)
	if err != nil {
		return fmt.Errorf("%w: %.64q in session %.64q", err, streamID, sessionID)
	}
	name := ringStream(streamID)
	stored, err := es.store.Append(ctx, s.id, ring.Event{ID: eventID(name, index), Stream: name, Data: data})
	if errors.Is(err, ring.ErrDuplicateID) && bytes.Equal(stored.Data, data) {
		return nil // stored by an attempt of the Store's whose answer was lost
	}
	if err != nil && !gone(err) {
		es.refuse(ctx, s, lost{stream, index, data}, err)
	}
	return es.check(s, err)
}

// After yields the data of the stream's events with an index above the given one, -1 for all; or
// one error and nothing else: mcp.ErrEventsPurged when one of them is no longer retained,
// ring.ErrUnknownID for an index that no event has had yet, [ErrUnknownStream], ctx's, or what the
// Store says of the session. They are collected when the iteration begins, anew for each, and
// nothing is held while it goes on. The data is shared: do not write to it.
func (es *EventStore) After(ctx context.Context, sessionID, streamID string, index int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		collected, err := es.collectFor(ctx, sessionID, streamID, index)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, data := range collected {
			if !yield(data, nil) {
				return
			}
		}
	}
}

// SessionClosed ends the session in the Store and forgets its streams. It does not wait for calls
// in progress, and not for more than 100 ms for a Store that blocks: the session then ends behind
// its back. The session "" ends when all that have opened its standalone stream have closed it.
// SessionClosed is idempotent.
func (es *EventStore) SessionClosed(ctx context.Context, sessionID string) error {
	es.bury(sessionID)
	s := es.get(sessionID)
	if s == nil {
		if sessionID == "" {
			return nil
		}
		return terminate(ctx, es.store, sessionID)
	}
	if !s.end(sessionID == "") {
		return nil
	}
	es.release(s)
	return terminate(ctx, es.store, s.id)
}

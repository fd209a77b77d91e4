package mcpgo

import (
	"context"
	"errors"

	"github.com/reprise-go/reprise/internal/mcpstore"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// append stores e and sees to it that the session exists unless it has ended. It calls lose when a
// session that exists refuses e.
func (es *EventStore) append(ctx context.Context, sessionID string, e ring.Event, lose func(error)) error {
	err := es.put(ctx, sessionID, e)
	if errors.Is(err, shard.ErrNotFound) {
		if err = es.begin(ctx, sessionID); err != nil {
			return err
		}
		err = es.put(ctx, sessionID, e)
	}
	switch {
	case errors.Is(err, shard.ErrNotFound):
		es.past.advance(sessionID, ended, 0)
	case err != nil:
		lose(err)
	case es.past.advance(sessionID, existed, 0) == ended:
		return shard.ErrNotFound // purged meanwhile, and the event with it
	}
	return err
}

// put is the Store's Append. An ID holds enough randomness that one which is taken means this very
// event, stored by an attempt whose answer was lost.
func (es *EventStore) put(ctx context.Context, sessionID string, e ring.Event) error {
	_, err := es.store.Append(ctx, sessionID, e)
	if errors.Is(err, ring.ErrDuplicateID) {
		return nil
	}
	return err
}

// begin creates the session in the Store, if it has never existed. When it returns nil the session
// has existed at some time after the call began: if the Store does not know it then, it has ended.
//
// Against PurgeSession: that marks the ID as ended and then terminates the session. Either the mark
// is seen here, at the latest after the creation, or the creation came before the termination.
func (es *EventStore) begin(ctx context.Context, sessionID string) error {
	switch was, _ := es.past.of(sessionID); was {
	case ended:
		es.past.advance(sessionID, ended, 0) // remembered for as long as somebody asks
		return shard.ErrNotFound
	case existed:
		return nil
	}
	if sessionID == "" {
		return shard.ErrInvalidID // to Create it would mean a new ID
	}
	_, err := mcpstore.Create(ctx, es.store, es.cfg.MaxEventBytes, sessionID, shard.Metadata{Transport: "http"})
	if err != nil && !errors.Is(err, shard.ErrExists) {
		return err
	}
	if es.past.advance(sessionID, existed, 0) == ended {
		return errors.Join(shard.ErrNotFound, es.terminate(ctx, sessionID))
	}
	return nil
}

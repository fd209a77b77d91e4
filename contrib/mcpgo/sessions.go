package mcpgo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// DefaultIdle is the default of SessionConfig.Idle. It is also the default TTL of package shard.
const DefaultIdle = time.Hour

// A SessionConfig is how [EventStore.SessionsWith] mints and judges session IDs. The zero value is
// ready for use.
type SessionConfig struct {
	// Key signs the IDs, with 16 bytes or more. Processes that serve the same clients need the same
	// one, and so does a process that is to know the IDs of its predecessor. Default: a random one.
	Key []byte

	// Idle is how long an ID stays valid without a request while neither the Store nor the
	// EventStore knows of its session: it has stored nothing yet; it may last up to 0.2 s longer.
	// Negative: for ever. Default: [DefaultIdle].
	Idle time.Duration
}

// Sessions returns a SessionIdManager as [EventStore.Sessions] does, for an EventStore that is out
// of reach: it learns of a session from Validate and Terminate alone. One that begins and ends in
// the Store between two requests, and is forgotten there before the second, passes for one that has
// stored nothing, as long as SessionConfig.Idle allows; its events are refused nevertheless.
func Sessions(store replay.Store) server.SessionIdManager { return New(store).Sessions() }

// Sessions returns the SDK's SessionIdManager for the Store and the sessions of es, safe for
// concurrent use. It is SessionsWith the zero SessionConfig.
//
//   - Generate mints an ID of 48 characters, 120 bits of them random. It does not touch the Store
//     and cannot fail. The session is created with its first event, by StoreEvent: one that never
//     sends any costs the Store nothing.
//   - Validate accepts an ID whose session the Store knows, which counts as activity, or that was
//     minted here and has not ended. For an ended session it reports isTerminated; for a malformed
//     or foreign ID, and when the Store fails, an error. The SDK answers 404 to either, so that the
//     client starts over.
//   - Terminate ends the session, also one that has stored nothing; ending it again is no error. A
//     malformed or foreign ID is one, and so is a Store that fails: the SDK answers 500. It never
//     reports isNotAllowed.
//
// Each call waits ten seconds for the Store at most. IDs in use and ended ones are among the
// [MaxRemembered] of es. An ID that the Store does not know and that was pushed out of them is
// judged by the time of its minting alone.
func (es *EventStore) Sessions() server.SessionIdManager {
	return &sessions{store: es.store, ids: newMinter(nil), idle: DefaultIdle, past: es.past}
}

// SessionsWith is Sessions with a configuration. An error names the field that is out of range.
func (es *EventStore) SessionsWith(cfg SessionConfig) (server.SessionIdManager, error) {
	if n := len(cfg.Key); n > 0 && n < minKey {
		return nil, fmt.Errorf("mcpgo: SessionConfig.Key has %d bytes, want none or at least %d", n, minKey)
	}
	if cfg.Idle == 0 {
		cfg.Idle = DefaultIdle
	}
	return &sessions{store: es.store, ids: newMinter(cfg.Key), idle: cfg.Idle, past: es.past}, nil
}

type sessions struct {
	store replay.Store
	ids   minter
	idle  time.Duration
	past  *past
}

var _ server.SessionIdManager = (*sessions)(nil)

// Generate implements server.SessionIdManager.
func (s *sessions) Generate() string { return s.ids.mint(time.Now()) }

// Validate implements server.SessionIdManager.
func (s *sessions) Validate(id string) (isTerminated bool, err error) {
	if !wellFormed(id) {
		return false, refused(id, shard.ErrInvalidID)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = s.store.Touch(ctx, id)
	switch {
	case err == nil, errors.Is(err, shard.ErrFinished): // a finished session can still be read
		return s.past.advance(id, existed, 0) == ended, nil
	case !errors.Is(err, shard.ErrNotFound):
		return false, refused(id, err)
	}
	info, err := s.store.Info(ctx, id)
	switch {
	case err == nil && (info.Status == shard.Active || info.Status == shard.Finished): // begun this moment
		return s.past.advance(id, existed, 0) == ended, nil
	case err == nil:
		return s.past.advance(id, ended, 0) == ended, nil
	case !errors.Is(err, shard.ErrNotFound):
		return false, refused(id, err)
	}
	return s.judge(id, time.Now())
}

// judge is Validate for an ID that the Store does not know: its session has not begun, or has ended
// and been forgotten.
func (s *sessions) judge(id string, now time.Time) (isTerminated bool, err error) {
	was, seen := s.past.of(id)
	minted, ours := s.ids.minted(id)
	switch {
	case was == existed || was == ended:
		return s.past.advance(id, ended, 0) == ended, nil
	case !ours:
		return false, refused(id, shard.ErrNotFound)
	case s.idle >= 0 && ticksDown(now)-max(minted, seen) >= int64((s.idle+tick-1)/tick):
		return true, nil // no need to remember it: the time in it speaks for itself
	}
	return s.past.advance(id, pending, ticksUp(now)) == ended, nil
}

// Terminate implements server.SessionIdManager.
func (s *sessions) Terminate(id string) (isNotAllowed bool, err error) {
	if !wellFormed(id) {
		return false, refused(id, shard.ErrInvalidID)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, ours := s.ids.minted(id); !ours {
		if was, _ := s.past.of(id); was == unknown {
			if _, err := s.store.Info(ctx, id); err != nil {
				return false, refused(id, err)
			}
		}
	}
	if err := s.store.Terminate(ctx, id); err != nil {
		return false, refused(id, err)
	}
	s.past.advance(id, ended, 0)
	return false, nil
}

func refused(id string, err error) error { return fmt.Errorf("mcpgo: session %.64q: %w", id, err) }

package pebble

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// Create implements replay.Store. A minted ID is a version 4 UUID.
func (s *Store) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	return s.CreateWith(ctx, shard.Options{ID: id, Metadata: md})
}

// CreateWith implements replay.Creator.
func (s *Store) CreateWith(ctx context.Context, o shard.Options) (string, error) {
	sess, err := s.create(ctx, o, replay.Lease{})
	if err != nil {
		return "", err
	}
	return sess.id, nil
}

// create makes a session that is held by a lease, if l is one.
func (s *Store) create(ctx context.Context, o shard.Options, l replay.Lease) (*session, error) {
	if s.closed.Load() {
		return nil, shard.ErrClosed
	}
	minted := o.ID == ""
	if !minted {
		if err := validateID(o.ID); err != nil {
			return nil, err
		}
		o.ID = strings.Clone(o.ID)
	}
	d, err := s.describe(o)
	if err != nil {
		return nil, err
	}
	d.note = l.Note
	if err := s.mayWrite(ctx); err != nil {
		return nil, err
	}
	for {
		if minted {
			o.ID = uuid.NewString()
		}
		sess, w, err := s.insert(o.ID, d, l)
		if minted && errors.Is(err, shard.ErrExists) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return sess, s.commits.wait(ctx, w)
	}
}

// describe turns options into what is kept of them.
func (s *Store) describe(o shard.Options) (description, error) {
	md, err := newMetadata(o.Metadata)
	if err != nil {
		return description{}, err
	}
	limits, err := o.Ring.Or(s.cfg.Ring).Complete()
	if err != nil {
		return description{}, fmt.Errorf("pebble: Options.Ring: %w", err)
	}
	orElse(&o.TTL, s.cfg.TTL)
	return description{
		ttl: clampTTL(o.TTL), limits: limits, tag: randomText(tagLen), principal: strings.Clone(o.Principal),
		metadata: md,
	}, nil
}

// insert enters a new session into the table, if its ID is free and there is a place, and queues
// it.
func (s *Store) insert(id string, d description, l replay.Lease) (*session, *write, error) {
	s.creating.Lock()
	defer s.creating.Unlock()
	now := s.now()
	if v, ok := s.sessions.Load(id); ok && !v.(*session).vacate(now, d.note) {
		return nil, nil, about(shard.ErrExists, id)
	}
	if err := s.places.take(d.principal); err != nil {
		s.sweep(now) // the time of others may be over
		if err = s.places.take(d.principal); err != nil {
			return nil, nil, err
		}
	}
	claims := slices.Compact(slices.Sorted(slices.Values(l.Claims)))
	d.inc, d.created = s.epoch<<40|s.number.Add(1), now
	sess := s.newSession(id, d)
	sess.mu.Lock()
	defer sess.mu.Unlock()
	sess.decided = state{activity: now, first: 1, runs: runs{{randomText(runLen), 1}}, claims: len(claims)}
	sess.seen, sess.resumed = sess.decided, true
	if l.Holder != "" {
		sess.lease = lease{s.nextToken(), l.Holder, now + int64(l.Term)}
	}
	e := sess.edit()
	e.batch.Set(sessionKey(id), d.encode(), nil)
	for _, key := range claims {
		e.batch.Set(claimKey(sess.inc, key), nil, nil)
	}
	e.arm(sess.expires())
	w, err := e.queue()
	if err != nil {
		s.places.free(d.principal)
		return nil, nil, err
	}
	s.sessions.Store(id, sess)
	return sess, w, nil
}

func (s *Store) newSession(id string, d description) *session {
	return &session{
		store: s, id: id, description: d, armed: noTime, unseenAt: 1, costsAt: 1, kept: 1, ids: map[string]*addition{},
		claims: map[string]*write{},
	}
}

// vacate frees the ID of a session that no longer lingers, or has expired and has this note, and
// reports whether it has.
func (s *session) vacate(now int64, note string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	goesOn := s.decided.status == shard.Expired && note != "" && note == s.note
	if !goesOn && !s.isGone(now) {
		return false
	}
	if !s.forgotten {
		e := s.edit()
		e.forget()
		e.send()
	}
	return true
}

package soak_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// follow follows one session after the other.
func (s *soak) follow(r *rand.Rand) {
	for s.ctx.Err() == nil {
		session := s.any(r)
		t := newTrail(session.ID())
		for range 1 + r.IntN(10) {
			again, err := s.connect(session, t, r)
			if err != nil {
				s.fail(err)
			}
			if !again || s.ctx.Err() != nil {
				break
			}
		}
	}
}

// connect is one connection, which is cut after some events or some time. It reports whether to
// come back.
func (s *soak) connect(session *shard.Session, t *trail, r *rand.Rand) (again bool, err error) {
	s.counts.cuts.Add(1)
	reader, err := s.store.Open(s.ctx, session.ID(), replay.Position{LastEventID: t.lastID, All: true})
	if err != nil {
		return s.told(session, t, err)
	}
	defer reader.Close()
	ctx, cut := context.WithTimeout(s.ctx, time.Duration(r.IntN(100))*time.Millisecond)
	defer cut()
	var seq uint64
	var e ring.Event
	for range 1 + r.IntN(400) {
		if !reader.Next(&e) {
			if err := reader.Err(); err != nil {
				return s.told(session, t, err)
			}
			if err := reader.Wait(ctx); err != nil && ctx.Err() != nil {
				return true, nil
			}
			continue
		}
		if seq > 0 && e.Seq != seq+1 {
			return false, fmt.Errorf("session %s: sequence %d follows %d", session.ID(), e.Seq, seq)
		}
		seq = e.Seq
		if err := t.see(e.ID, e.Data); err != nil {
			return false, err
		}
		s.counts.followed.Add(1)
	}
	return true, nil
}

// told is what a follower does with an error: it goes when the session has, begins anew when events
// have, and knows no other.
func (s *soak) told(session *shard.Session, t *trail, err error) (again bool, _ error) {
	switch {
	case errors.Is(err, shard.ErrFinished):
		return false, s.complete(session, t)
	case errors.Is(err, shard.ErrNotFound), s.ctx.Err() != nil:
		return false, nil
	case errors.Is(err, ring.ErrEvicted), errors.Is(err, ring.ErrUnknownID) && s.gone(session, t):
		s.counts.gaps.Add(1)
		*t = *newTrail(t.session)
		return true, nil
	}
	return false, fmt.Errorf("session %s after %q: %w", t.session, t.lastID, err)
}

// complete wants that a follower that has come to the end of a finished session has its last event.
// Sessions that finish have one writer.
func (s *soak) complete(session *shard.Session, t *trail) error {
	log := session.Info().Log // of no events once the session has ended
	for _, next := range t.next {
		if log.Events > 0 && log.Last != next-1 {
			return fmt.Errorf("session %s has finished with event %d, and a follower has come to %d", t.session,
				log.Last, next-1)
		}
	}
	return nil
}

// gone reports whether the event that the trail has come to is no longer retained. Each of its
// writers has counted on since.
func (s *soak) gone(session *shard.Session, t *trail) bool {
	if session == s.hot.session.Load() {
		return true // several writers' numbers do not make a sequence
	}
	log := session.Info().Log
	for _, next := range t.next {
		if log.First > next-1 || session.Err() != nil {
			return true
		}
	}
	return false
}

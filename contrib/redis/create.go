package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/shard"
)

// Create implements replay.Store; an empty id asks for a version 4 UUID. Where the number of sessions is limited it takes two
// round trips, and when the limit is reached some more, to find out which sessions have ended.
//
// A limit is never exceeded: the registry of places is in one slot, and a session has its place before it begins and until it was seen to have
// ended. If a process dies within Create or Terminate, a place may stay taken without need, for as long as the TTL at most. A server
// that loses places it had confirmed admits as many sessions more.
func (s *Store) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	if id != "" && !validID(id) {
		return "", fmt.Errorf("%w: %.64q, want 1 to 128 bytes of 0x21 to 0x7E", shard.ErrInvalidID, id)
	}
	stored, err := encodeMetadata(md)
	if err != nil {
		return "", err
	}
	if id == "" {
		u, err := uuid.NewRandom()
		if err != nil {
			return "", fmt.Errorf("redis: session ID: %w", err)
		}
		id = u.String()
	}
	for range 3 {
		if err = s.createAs(ctx, id, md.Principal, stored); !errors.Is(err, errConflict) {
			break
		}
	}
	if errors.Is(err, errConflict) {
		err = fmt.Errorf("%w: three times the place was due before the session was there; are the servers' clocks apart?", ErrUnavailable)
	}
	if err != nil {
		return "", err
	}
	return id, nil
}

func (s *Store) createAs(ctx context.Context, id, principal, md string) error {
	place, err := s.reserve(ctx, id, principal)
	if errors.Is(err, shard.ErrSessionLimit) {
		if _, known := s.Info(ctx, id); known == nil { // which comes first
			return refusal(4, id)
		}
	}
	if err != nil {
		return err
	}
	err = s.do(ctx, s.scripts.create, id, s.buckets.keys(id), []string{s.limits, id, randomText(tagLen), md, principal, place.until()})
	if err != nil && place.added {
		s.give(ctx, place)
	}
	return err
}

// A place is what the registry holds for one session.
type place struct {
	keys  []string // of the registry's sets that it is in; none where nothing is limited
	id    string
	look  int64 // the registry's time, in ms, from which on others may look whether the session is there
	added bool  // by this call
}

// until is when, at the latest, the session must be created, for nobody looks before.
func (p place) until() string { return strconv.FormatInt(p.look, 10) }

func (s *Store) places(principal string) []string {
	if s.cfg.MaxSessions < 0 && s.cfg.MaxPerPrincipal <= 0 {
		return nil
	}
	if s.cfg.MaxPerPrincipal <= 0 {
		principal = ""
	}
	return places(s.cfg.Prefix, principal)
}

// reserve takes a place, if need be one of a session that turns out to have ended.
func (s *Store) reserve(ctx context.Context, id, principal string) (place, error) {
	p := place{keys: s.places(principal), id: id}
	if p.keys == nil {
		return p, nil
	}
	grace := min(10*time.Second, s.cfg.TTL).Milliseconds()
	args := []string{id, strconv.Itoa(s.cfg.MaxSessions), strconv.Itoa(s.cfg.MaxPerPrincipal), strconv.FormatInt(grace, 10)}
	for {
		list, err := s.list(ctx, s.scripts.reserve, id, p.keys, args)
		if err != nil {
			return p, err
		}
		if len(list) < 2 {
			return p, fmt.Errorf("%w: unexpected answer of %d parts", ErrUnavailable, len(list))
		}
		full := number(list[0])
		if full < 2 {
			p.look, p.added = number(list[1])+grace, full == 0
			return p, nil
		}
		if len(list) == 2 {
			return p, limitReached(full, s.cfg)
		}
		owner := ""
		if full == 3 {
			owner = principal
		}
		if err := s.lookAt(ctx, p.keys[full-2], owner, list[2:]); err != nil {
			return p, err
		}
	}
}

func limitReached(full int64, c Config) error {
	if full == 3 {
		return fmt.Errorf("%w: %d of one principal, the most there may be", shard.ErrSessionLimit, c.MaxPerPrincipal)
	}
	return fmt.Errorf("%w: %d, the most there may be", shard.ErrSessionLimit, c.MaxSessions)
}

// lookAt looks at places that are due, as IDs and scores in turn, and takes out those whose sessions have ended. A place that was
// taken anew meanwhile has another score, and stays.
func (s *Store) lookAt(ctx context.Context, key, principal string, due []rueidis.RedisMessage) error {
	settled, errs := make([]string, len(due)/2*3), make([]error, len(due)/2)
	var looking sync.WaitGroup
	for i := range errs { // the client pipelines them
		id, was := text(due[2*i]), text(due[2*i+1])
		looking.Go(func() {
			m, err := s.run(ctx, s.scripts.expires, s.buckets.keys(id)[:3], []string{s.limits, principal}, nil)
			score := "" // none: ended
			if m.IsString() {
				score = text(m)
			}
			settled[3*i], settled[3*i+1], settled[3*i+2], errs[i] = id, was, score, err
		})
	}
	looking.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.do(ctx, s.scripts.settle, "", []string{key}, settled)
}

// give returns a place that was taken in vain: others may look at once. That it fails costs the place until they would have looked anyway.
func (s *Store) give(ctx context.Context, p place) {
	for _, key := range p.keys {
		s.do(ctx, s.scripts.settle, "", []string{key}, []string{p.id, p.until(), "0"})
	}
}

// review lets others look at the place of a session that has ended or will end early.
func (s *Store) review(ctx context.Context, id, principal string) error {
	for _, key := range s.places(principal) {
		if err := s.do(ctx, s.scripts.settle, "", []string{key}, []string{id, "", "0"}); err != nil {
			return err
		}
	}
	return nil
}

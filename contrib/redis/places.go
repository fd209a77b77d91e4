package redis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/shard"
)

// A place is what the registry holds for one session, see lua/reserve.lua.
type place struct {
	member string // tag and ID of the session
	sets   []set  // that it is to be in; none where nothing is limited
	taken  []set  // that it is in
	look   int64  // the registry's time, in ms, from which on others may look whether the session is there
}

// A set is a key of the registry, and how many places it has.
type set struct {
	key   string
	most  int
	owner string // "": the set of all
}

// sets returns the sets that a session of principal has to be in.
func (s *Store) sets(principal string) (all []set) {
	key := "{" + s.cfg.Prefix + "}places"
	if s.cfg.MaxSessions >= 0 {
		all = append(all, set{key, s.cfg.MaxSessions, ""})
	}
	if s.cfg.MaxPerPrincipal > 0 && principal != "" {
		all = append(all, set{key + ":" + principal, s.cfg.MaxPerPrincipal, principal})
	}
	return all
}

// until is when, at the latest, the session must be created, for nobody looks before.
func (p *place) until() string { return strconv.FormatInt(p.look, 10) }

// grace is for how long nobody looks whether a place that was taken has its session.
func (s *Store) grace() time.Duration { return min(max(s.cfg.TTL, time.Second), 10*time.Second) }

// life is for how long the registry knows a session with this TTL without being told again: more
// than twice as long as it can live without activity.
func (s *Store) life(ttl time.Duration) time.Duration {
	return 2*(ttl+s.cfg.Linger+s.cfg.Lease+s.grace()) + time.Second
}

// reserve takes a place in each set, if need be one of a session that turns out to have ended. With
// an error it has taken none.
func (s *Store) reserve(ctx context.Context, p *place, ttl time.Duration) error {
	p.look = math.MaxInt64
	for _, in := range p.sets {
		if err := s.reserveIn(ctx, p, in, ttl); err != nil {
			s.vacate(ctx, p)
			return err
		}
	}
	return nil
}

func (s *Store) reserveIn(ctx context.Context, p *place, in set, ttl time.Duration) error {
	wait, looked := backoff{}, 0
	for {
		list, err := s.askFor(ctx, p.member, in, in.most, ttl)
		if err != nil {
			return err
		}
		if number(list[0]) == 0 {
			p.taken = append(p.taken, in)
			p.look = min(p.look, number(list[1])+s.grace().Milliseconds())
			return nil
		}
		// With fewer than it could have named, all of them were seen to live on.
		if len(list) == 2 || looked >= in.most || len(list) < 2+2*128 && looked > 0 {
			return limitReached(in)
		}
		freed, err := s.lookAt(ctx, in, list[2:])
		if err != nil {
			return err
		}
		if freed {
			continue
		}
		looked += len(list)/2 - 1
		if looked < in.most && !wait.pause(ctx) {
			return failure(ctx, errors.New("looking for sessions that have ended"))
		}
	}
}

// askFor runs the reserving script, which answers {0 or 1, time, …}.
func (s *Store) askFor(
	ctx context.Context, member string, in set, most int, ttl time.Duration,
) ([]rueidis.RedisMessage, error) {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	args := []string{
		member, strconv.Itoa(most), ms(s.grace()), ms(s.life(ttl)),
		strconv.FormatUint(uint64(s.cfg.fingerprint()), 10),
	}
	m, err := s.attempt(ctx, s.scripts.reserve, []string{in.key}, args, nil)
	if err == nil {
		err = refused(m, in.key)
	}
	if err != nil {
		return nil, err
	}
	list, err := listOf(m)
	if err == nil && len(list) < 2 {
		err = unexpected(len(list))
	}
	return list, err
}

func limitReached(in set) error {
	if in.owner != "" {
		return fmt.Errorf("%w: %d of one principal, the most there may be", shard.ErrSessionLimit, in.most)
	}
	return fmt.Errorf("%w: %d, the most there may be", shard.ErrSessionLimit, in.most)
}

// lookAt looks at places that are due, as members and scores in turn, and takes out those whose
// sessions have ended. It reports whether there were any.
func (s *Store) lookAt(ctx context.Context, in set, due []rueidis.RedisMessage) (freed bool, err error) {
	scores, errs := make([]string, len(due)/2), make([]error, len(due)/2)
	var looking sync.WaitGroup
	for i := range errs { // the client pipelines them
		member := text(due[2*i])
		looking.Go(func() {
			if len(member) > tagLen {
				scores[i], errs[i] = s.expires(ctx, member)
			}
		})
	}
	looking.Wait()
	var settled []string
	for i, score := range scores {
		if errs[i] == nil {
			settled = append(settled, text(due[2*i]), text(due[2*i+1]), score)
			freed = freed || score == ""
		}
	}
	if freed { // that another part of the cluster does not answer does not matter
		return true, s.settle(ctx, in, settled)
	}
	if err := errors.Join(errs...); err != nil {
		return false, err
	}
	return false, s.settle(ctx, in, settled)
}

// expires returns when to look again at the session of a place, or "" when it has ended.
func (s *Store) expires(ctx context.Context, member string) (score string, err error) {
	m, err := s.run(ctx, s.scripts.expires, member[tagLen:], []string{s.head, member[:tagLen]}, nil)
	if errors.Is(err, shard.ErrNotFound) {
		return "", nil
	}
	return text(m), err
}

func (s *Store) settle(ctx context.Context, in set, args []string) error {
	if len(args) == 0 {
		return nil
	}
	_, err := s.attempt(ctx, s.scripts.settle, []string{in.key}, args, nil)
	return err
}

// vacate gives places back that were taken in vain, also when the caller has gone. If it fails they
// are free when the grace has passed.
func (s *Store) vacate(ctx context.Context, p *place) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(s.cfg.Timeout, time.Second))
	defer cancel()
	for _, in := range p.taken {
		s.settle(ctx, in, []string{p.member, "", ""})
	}
	p.taken = nil
}

// release gives up the places of a session that has ended, or lets others look whether it has.
// member begins with the tag.
func (s *Store) release(ctx context.Context, member, principal string, ended bool) error {
	score := "0"
	if ended {
		score = ""
	}
	for _, in := range s.sets(principal) {
		if err := s.settle(ctx, in, []string{member, "", score}); err != nil {
			return err
		}
	}
	return nil
}

// hinted looks at a script's hint that the registry should hear that a session lives on, and tells
// it in the background, a few sessions at a time. The next activity gives the hint again if it
// fails.
func (s *Store) hinted(id string, hint int64) {
	if hint != codeHint {
		return
	}
	if _, busy := s.staying.LoadOrStore(id, true); busy {
		return
	}
	if !s.hub.spawn(func(ctx context.Context) {
		defer s.staying.Delete(id)
		s.stay(ctx, id)
	}) {
		s.staying.Delete(id)
	}
}

// stay tells the registry that a session lives on. It takes a place again that was lost.
func (s *Store) stay(ctx context.Context, id string) error {
	list, err := s.list(ctx, s.scripts.place, id, []string{s.head, ""})
	if err != nil {
		return err
	}
	if len(list) != 3 {
		return unexpected(len(list))
	}
	ttl := time.Duration(number(list[2])) * time.Millisecond
	for _, in := range s.sets(text(list[1])) {
		if _, err := s.askFor(ctx, text(list[0])+id, in, math.MaxInt32, ttl); err != nil {
			return err
		}
	}
	_, err = s.run(ctx, s.scripts.place, id, []string{s.head, strconv.FormatInt(s.life(ttl).Milliseconds(), 10)}, nil)
	return err
}

package pebble

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/reprise-go/reprise/internal/callers"
	"github.com/reprise-go/reprise/shard"
)

// Info implements replay.Store. It waits for nothing.
func (s *Store) Info(_ context.Context, id string) (shard.Info, error) {
	sess, err := s.get(id)
	if err != nil {
		return shard.Info{}, err
	}
	return sess.info()
}

func (s *session) info() (shard.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.store.now()
	s.settle(now)
	if s.isGone(now) {
		return shard.Info{}, about(shard.ErrNotFound, s.id)
	}
	md, err := s.metadata.public(s.principal)
	return shard.Info{
		ID: s.id, Metadata: md, Created: time.Unix(0, s.created), LastActivity: time.Unix(0, s.decided.activity),
		Status: s.seen.status, Attached: s.readers, Log: s.seen.stats(),
	}, err
}

// change lets decide change a session that has not ended, and returns when what it has queued is
// confirmed. decide is called with the session's lock held; a write that it returns together with
// an error is one to wait for before the error counts.
func (s *Store) change(ctx context.Context, id string, decide func(*session, int64) (*write, error)) error {
	sess, err := s.get(id)
	if err != nil {
		return err
	}
	return s.changeOne(ctx, sess, decide)
}

func (s *Store) changeOne(ctx context.Context, sess *session, decide func(*session, int64) (*write, error)) error {
	if err := s.enter(); err != nil {
		return err
	}
	w, err := sess.change(decide)
	s.leave()
	if w != nil {
		if waited := s.commits.wait(ctx, w); waited != nil {
			return waited
		}
	}
	return err
}

func (s *session) change(decide func(*session, int64) (*write, error)) (*write, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.store.now()
	if err := s.usable(now, false); err != nil {
		return nil, err
	}
	before := s.snapshot()
	w, err := decide(s, now)
	if w == nil && err != nil {
		s.restore(before)
	}
	return w, err
}

// A snapshot is what a call may change of a session before it is known whether it can be queued.
type snapshot struct {
	decided            state
	metadata           metadata
	version            uint64
	armed              int64
	garbage, forgotten bool
}

func (s *session) snapshot() snapshot {
	return snapshot{s.decided, s.metadata, s.version, s.armed, s.garbage, s.forgotten}
}

// restore puts the session back to where it was.
func (s *session) restore(to snapshot) {
	if s.decided.isEnded() && !to.decided.isEnded() {
		s.store.places.restore(s.principal)
	}
	s.decided, s.metadata, s.version, s.armed, s.garbage, s.forgotten = to.decided, to.metadata, to.version, to.armed,
		to.garbage, to.forgotten
}

// Touch implements replay.Store. Like every activity it is on disk when it returns, or within
// Config.SyncEvery.
func (s *Store) Touch(ctx context.Context, id string) error {
	return s.change(ctx, id, func(sess *session, now int64) (*write, error) {
		sess.touch(now)
		return sess.edit().queue()
	})
}

// Finish implements replay.Finisher.
func (s *Store) Finish(ctx context.Context, id string) error {
	return s.change(ctx, id, func(sess *session, now int64) (*write, error) {
		if err := sess.lease.held(id, now); err != nil && sess.decided.status == shard.Active {
			return nil, err
		}
		w, err := sess.finish(now)
		if err == nil {
			sess.fence()
		}
		return w, err
	})
}

func (s *session) finish(now int64) (*write, error) {
	if s.decided.status == shard.Finished {
		return s.edit().queue() // the end of the other Finish counts once it is confirmed
	}
	s.decided.status, s.decided.left = shard.Finished, now
	e := s.edit()
	if s.store.cfg.Linger >= 0 {
		e.arm(s.leaves())
		return e.queue()
	}
	w, err := e.queue()
	if err == nil {
		s.settle(now) // without Linger and without a reader, it ends here
	}
	return w, err
}

// Terminate implements replay.Store.
func (s *Store) Terminate(ctx context.Context, id string) error {
	err := s.change(ctx, id, terminate)
	if errors.Is(err, shard.ErrNotFound) {
		return nil
	}
	return err
}

func terminate(sess *session, now int64) (*write, error) {
	e := sess.edit()
	e.end(shard.Terminated, now)
	return e.finish()
}

// Update implements replay.Store. change is called without a lock held, again if another update
// came between. It must not call Update itself, of this session or another: that is
// shard.ErrNestedUpdate.
func (s *Store) Update(ctx context.Context, id string, change func(*shard.Metadata)) error {
	sess, err := s.get(id)
	if err != nil {
		return err
	}
	return s.update(ctx, sess, change, func(now int64) error {
		err := sess.lease.held(id, now)
		if err == nil {
			sess.fence()
		}
		return err
	})
}

// applyChange calls an Update's function. Whoever has it among the callers runs inside one.
//
//go:noinline
func applyChange(change func(*shard.Metadata), md *shard.Metadata) { change(md) }

var errOvertaken = errors.New("pebble: another update came between")

func (s *Store) update(ctx context.Context, sess *session, change func(*shard.Metadata),
	may func(now int64) error) error {
	if callers.Include(callers.Entry(applyChange)) {
		return about(shard.ErrNestedUpdate, sess.id)
	}
	for {
		sess.mu.Lock()
		before, version, err := sess.metadata, sess.version, sess.usable(s.now(), false)
		sess.mu.Unlock()
		if err != nil {
			return err
		}
		md, err := before.public(sess.principal)
		if err != nil {
			return err
		}
		if change != nil {
			applyChange(change, &md)
		}
		if md.Principal != sess.principal {
			return about(shard.ErrPrincipal, sess.id)
		}
		after, err := newMetadata(md)
		if err != nil {
			return err
		}
		err = s.changeOne(ctx, sess, func(sess *session, now int64) (*write, error) {
			if sess.version != version {
				return nil, errOvertaken
			}
			if err := may(now); err != nil {
				return nil, err
			}
			sess.metadata = after
			sess.version++
			sess.touch(now)
			e := sess.edit()
			e.batch.Set(sessionKey(sess.id), sess.encode(), nil)
			return e.queue()
		})
		if !errors.Is(err, errOvertaken) {
			return err
		}
	}
}

// Claim implements replay.Claimer. A key is 1 to shard.MaxClaimBytes bytes of UTF-8, or
// shard.ErrInvalidClaim.
func (s *Store) Claim(ctx context.Context, id, key string) error {
	return s.change(ctx, id, func(sess *session, now int64) (*write, error) { return sess.claim(key, now) })
}

func (s *session) claim(key string, now int64) (*write, error) {
	if s.decided.status == shard.Finished {
		return nil, about(shard.ErrFinished, s.id)
	}
	if err := validateClaim(key); err != nil {
		return nil, err
	}
	if w := s.claims[key]; w != nil {
		return w, about(shard.ErrClaimed, key)
	}
	claimed, err := s.store.has(claimKey(s.inc, key))
	if err != nil {
		return nil, err
	}
	if claimed {
		return nil, about(shard.ErrClaimed, key)
	}
	if most := s.store.cfg.MaxClaims; most > 0 && s.decided.claims >= most {
		return nil, fmt.Errorf("%w: %d of session %.64q", shard.ErrClaimLimit, s.decided.claims, s.id)
	}
	s.touch(now)
	s.decided.claims++
	e := s.edit()
	e.batch.Set(claimKey(s.inc, key), nil, nil)
	w := &write{confirm: func(s *session) { delete(s.claims, key) }}
	if err := e.submitState(w); err != nil {
		return nil, err
	}
	s.claims[key] = w
	return w, nil
}

func validateClaim(key string) error {
	if len(key) == 0 || len(key) > shard.MaxClaimBytes || !utf8.ValidString(key) {
		return fmt.Errorf("%w: %d bytes, want 1 to %d of UTF-8: %.64q", shard.ErrInvalidClaim, len(key),
			shard.MaxClaimBytes, key)
	}
	return nil
}

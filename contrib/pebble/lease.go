package pebble

import (
	"context"
	"fmt"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// A lease says who writes a session. It lives in memory: when the directory is opened again, no
// writer from before can be there.
type lease struct {
	token  uint64 // of the newest writer, or of a plain write after one; it only grows
	holder string // "" when nobody holds the session
	until  int64
}

// held is *replay.HeldError while the lease runs.
func (l *lease) held(id string, now int64) error {
	if l.holder == "" || now >= l.until {
		return nil
	}
	return &replay.HeldError{ID: id, Holder: l.holder, Left: time.Duration(l.until - now)}
}

// fence makes the session nobody's: whoever wrote it last cannot write any more.
func (s *session) fence() {
	if s.lease.token != 0 {
		s.lease = lease{token: s.store.nextToken()}
	}
}

func (s *Store) nextToken() uint64 { return s.epoch<<40 | s.tokens.Add(1) }

// Acquire implements replay.Leaser.
func (s *Store) Acquire(ctx context.Context, id string, l replay.Lease) (replay.Writer, error) {
	if err := checkLease(l); err != nil {
		return nil, err
	}
	var w *writer
	err := s.change(ctx, id, func(sess *session, now int64) (*write, error) {
		if sess.decided.status == shard.Finished {
			return nil, about(shard.ErrFinished, id)
		}
		if err := sess.lease.held(id, now); err != nil && sess.lease.holder != l.Holder {
			return nil, err
		}
		before := sess.lease
		sess.lease = lease{s.nextToken(), l.Holder, now + int64(l.Term)}
		sess.touch(now)
		e := sess.edit()
		if sess.note == "" && l.Note != "" {
			sess.note = l.Note
			e.batch.Set(sessionKey(sess.id), sess.encode(), nil)
		}
		queued, err := e.queue()
		if err != nil {
			sess.lease = before
			return nil, err
		}
		w, err = sess.writer(l.Term)
		return queued, err
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// CreateHeld implements replay.Leaser.
func (s *Store) CreateHeld(ctx context.Context, o shard.Options, l replay.Lease) (replay.Writer, error) {
	if err := checkLease(l); err != nil {
		return nil, err
	}
	sess, err := s.create(ctx, o, l)
	if err != nil {
		return nil, err
	}
	sess.mu.Lock()
	defer sess.mu.Unlock()
	w, err := sess.writer(l.Term)
	if err != nil {
		return nil, err
	}
	return w, nil
}

func checkLease(l replay.Lease) error {
	switch {
	case len(l.Holder) == 0 || len(l.Holder) > 128:
		return fmt.Errorf("pebble: Lease.Holder has %d bytes, want 1 to 128", len(l.Holder))
	case l.Term < 100*time.Millisecond || l.Term > time.Hour:
		return fmt.Errorf("pebble: Lease.Term is %v, want 100ms to 1h", l.Term)
	case len(l.Note) > 256:
		return fmt.Errorf("pebble: Lease.Note has %d bytes, want at most 256", len(l.Note))
	}
	for _, key := range l.Claims {
		if err := validateClaim(key); err != nil {
			return fmt.Errorf("pebble: Lease.Claims: %w", err)
		}
	}
	return nil
}

// writer returns a Writer with the token of the lease. It is called with mu held.
func (s *session) writer(term time.Duration) (*writer, error) {
	md, err := s.metadata.public(s.principal)
	if err != nil {
		return nil, err
	}
	claims, err := s.claimed()
	if err != nil {
		return nil, err
	}
	log := s.decided.stats()
	return &writer{s, term, replay.Held{
		Incarnation: fmt.Sprintf("%s%x", s.tag, s.inc), Token: s.lease.token, Note: s.note,
		Options: s.options(md), First: log.First, Last: log.Last, Claims: claims,
	}}, nil
}

// claimed returns the keys that are claimed. It is called with mu held.
func (s *session) claimed() (keys []string, err error) {
	if s.decided.claims == 0 {
		return nil, nil
	}
	for key := range s.claims {
		keys = append(keys, key)
	}
	prefix := claimKey(s.inc, "")
	err = s.store.between(prefix, claimKey(s.inc+1, ""), func(name, _ []byte) error {
		if key := string(name[len(prefix):]); s.claims[key] == nil {
			keys = append(keys, key)
		}
		return nil
	})
	return keys, err
}

// options returns what the session was created with: zero where that is the Store's own.
func (s *session) options(md shard.Metadata) shard.Options {
	o := shard.Options{ID: s.id, Metadata: md, TTL: s.ttl, Ring: s.limits}
	if s.ttl >= never {
		o.TTL = -1
	}
	if s.ttl == s.store.cfg.TTL {
		o.TTL = 0
	}
	for _, f := range []struct {
		own    *int
		common int
	}{
		{&o.Ring.MaxEvents, s.store.cfg.Ring.MaxEvents},
		{&o.Ring.MaxBytes, s.store.cfg.Ring.MaxBytes},
		{&o.Ring.MaxEventBytes, s.store.cfg.Ring.MaxEventBytes},
		{&o.Ring.MaxIDBytes, s.store.cfg.Ring.MaxIDBytes},
	} {
		if *f.own == f.common {
			*f.own = 0
		}
	}
	o.Ring.StrictIDs = o.Ring.StrictIDs && !s.store.cfg.Ring.StrictIDs
	return o
}

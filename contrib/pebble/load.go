package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/reprise-go/reprise/shard"
)

// While readers are open their sessions do not expire. When the process dies, the time of its last
// sign of life is the activity of those sessions; signs are this far apart, and this much is added,
// so that no session expires too early.
const signs = time.Second

// load reads what is in the directory and begins an epoch.
func (s *Store) load() error {
	// What was in the log may be there only because the machine has not failed: readers are to see
	// nothing that can still be lost.
	if err := s.write(s.db.Flush); err != nil {
		return err
	}
	alive, err := s.meta(aliveKey)
	if err != nil {
		return err
	}
	if s.epoch, err = s.meta(epochKey); err != nil {
		return err
	}
	s.epoch++
	begun := s.db.NewBatch()
	if err := begun.Set(epochKey, binary.BigEndian.AppendUint64(nil, s.epoch), nil); err != nil {
		return err
	}
	if err := s.writeBatch(begun, true); err != nil {
		return err
	}
	byInc, err := s.loadSessions()
	if err != nil {
		return err
	}
	progress, err := s.loadStates(byInc, int64(alive))
	if err != nil {
		return err
	}
	if err := s.loadExpiry(byInc); err != nil {
		return err
	}
	if err := s.removeGarbage(); err != nil {
		return err
	}
	progress.Done = true
	s.report(progress)
	return nil
}

func (s *Store) report(p Progress) {
	if s.cfg.Progress != nil {
		s.cfg.Progress(p)
	}
}

// meta returns a number, 0 if it is not there.
func (s *Store) meta(key []byte) (uint64, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, unreadable(err)
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, fmt.Errorf("%w: the value of key %q", ErrCorrupt, key)
	}
	return binary.BigEndian.Uint64(value), nil
}

// each calls visit with everything under a prefix.
func (s *Store) each(prefix byte, visit func(key, value []byte) error) error {
	return s.between([]byte{prefix}, []byte{prefix + 1}, visit)
}

// between calls visit with everything from one key to before another.
func (s *Store) between(from, end []byte, visit func(key, value []byte) error) error {
	it, err := s.over(from, end)
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return unreadable(err)
		}
		if err := visit(it.Key(), value); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return unreadable(err)
	}
	return nil
}

func (s *Store) loadSessions() (map[uint64]*session, error) {
	byInc := map[uint64]*session{}
	err := s.each(prefixSession, func(key, value []byte) error {
		d, err := decodeDescription(key, value)
		if err != nil {
			return err
		}
		sess := s.newSession(string(key[1:]), d)
		if byInc[d.inc] != nil {
			return fmt.Errorf("%w: two sessions with incarnation %d", ErrCorrupt, d.inc)
		}
		byInc[d.inc] = sess
		s.sessions.Store(sess.id, sess)
		return nil
	})
	return byInc, err
}

// loadStates reads the states of all sessions. Those that had readers get activity, and the mark of
// it is taken off.
func (s *Store) loadStates(byInc map[uint64]*session, alive int64) (progress Progress, err error) {
	const sessionsApart, eventsApart = 10_000, 100_000
	now, told := s.now(), uint64(0)
	newest, err := s.newestEvents()
	if err != nil {
		return progress, err
	}
	defer newest.it.Close()
	err = s.each(prefixState, func(key, value []byte) error {
		state, err := decodeState(key, value)
		if err != nil {
			return err
		}
		sess := byInc[incOf(key)]
		if sess == nil || sess.decided.runs != nil {
			return fmt.Errorf("%w: key %q belongs to no session", ErrCorrupt, key)
		}
		if state.status == shard.Active { // others were written down as they are
			if err := newest.complete(sess.inc, &state); err != nil {
				return err
			}
		}
		sess.adopt(state, alive, now)
		progress.Sessions++
		progress.Events += state.last + 1 - state.first
		if progress.Sessions%sessionsApart == 0 || progress.Events-told >= eventsApart {
			told = progress.Events
			s.report(progress)
		}
		return nil
	})
	if err == nil && progress.Sessions != len(byInc) {
		err = fmt.Errorf("%w: %d sessions have no state", ErrCorrupt, len(byInc)-progress.Sessions)
	}
	return progress, err
}

// incOf returns the incarnation in a key, 0 if there is none.
func incOf(key []byte) uint64 {
	if len(key) < 9 {
		return 0
	}
	return binary.BigEndian.Uint64(key[1:])
}

// seqOf returns the sequence in an event's key.
func seqOf(key []byte) (seq uint64, ok bool) {
	if len(key) != eventKeyLen {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[9:]), true
}

func (s *session) adopt(state state, alive, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hadReaders := state.attached
	state.attached = false
	if hadReaders {
		state.activity = max(state.activity, alive+int64(signs))
	}
	// A clock that was set back must not make a session live longer than a TTL from now.
	state.activity, state.left = min(state.activity, now), min(state.left, now)
	s.decided, s.seen, s.unseenAt, s.costsAt, s.kept = state, state, state.last+1, state.last+1, 0
	if state.last < state.first {
		s.kept = state.first
	}
	if !state.isEnded() {
		s.store.places.restore(s.principal)
	}
	if hadReaders && !state.isEnded() {
		s.edit().queue()
	}
}

// loadExpiry tells each session its expiry key.
func (s *Store) loadExpiry(byInc map[uint64]*session) error {
	return s.each(prefixExpiry, func(key, _ []byte) error {
		at, inc, ok := timeOf(key)
		sess := byInc[inc]
		if !ok || sess == nil || sess.armed != noTime {
			return fmt.Errorf("%w: key %q belongs to no session", ErrCorrupt, key)
		}
		sess.armed = at
		return nil
	})
}

// removeGarbage removes what readers were reading of sessions that had ended, when the process
// died.
func (s *Store) removeGarbage() error {
	b := s.db.NewBatch()
	err := s.each(prefixGarbage, func(key, _ []byte) error {
		inc := incOf(key)
		for _, prefix := range []byte{prefixEvent, prefixIndex, prefixClaim} {
			b.DeleteRange(numberKey(prefix, inc), numberKey(prefix, inc+1), nil)
		}
		return b.Delete(key, nil)
	})
	if err == nil && !b.Empty() {
		err = s.writeBatch(b, false)
	}
	return err
}

// writeBatch writes without the queue, and waits for a sync if one is wanted.
func (s *Store) writeBatch(b *engine.Batch, synced bool) error {
	f := flight{bytes: b.Len(), synced: synced}
	err := s.write(func() error { return s.commits.give(&f, []*write{{batch: b}}) })
	if err != nil || !synced {
		return err
	}
	// This is not the middle of a write: if the sync fails, that is held up until nobody is there.
	if err := s.unless(func() error { return s.commits.await(f) }); err != nil {
		s.commits.fail(err)
		return s.commits.err()
	}
	return nil
}

// write calls do, which writes to Pebble, without the queue.
func (s *Store) write(do func() error) error {
	return s.unless(func() error { return s.commits.guard(do) })
}

// unless calls do, and does not wait for it once a write has failed: it may not come back.
func (s *Store) unless(do func() error) error {
	result := make(chan error, 1)
	go func() { result <- do() }()
	select {
	case err := <-result:
		return err
	case <-s.commits.failed:
		return s.commits.err()
	}
}

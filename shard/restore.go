package shard

import (
	"fmt"
	"strings"

	"github.com/reprise-go/reprise/ring"
)

// restore is for shardaccess.Restore. The session is whole before anybody can find it.
func (m *Manager) restore(
	o Options, tag string, before uint64, events []ring.Event, claims []string,
) (*Session, error) {
	if m.closed.Load() {
		return nil, ErrClosed
	}
	if err := validateID(o.ID); err != nil {
		return nil, m.notCreated(err)
	}
	o.ID = strings.Clone(o.ID)
	if o.TTL == 0 {
		o.TTL = m.cfg.TTL
	}
	md, err := newMetadata(o.Metadata)
	if err != nil {
		return nil, m.notCreated(err)
	}
	group, err := m.groupFor(o.Ring)
	if err != nil {
		return nil, err
	}
	home := m.shard(m.key(o.ID))
	s := newSession(home, o, md, group)
	if err := group.Restoring().InitAt(&s.log, tag, before); err != nil {
		return nil, err
	}
	s.reclaim(claims)
	err = refill(&s.log, events)
	group.Adopt(&s.log)
	if err == nil {
		_, err = m.insert(home, o.ID, md, func() *Session { return s })
	}
	if err != nil {
		s.log.Release() // takes its events out of the statistics again
		s.dropClaims()  // and its keys
		return nil, m.notCreated(err)
	}
	return s, nil
}

// refill appends events that were stored before, each under its sequence number.
func refill(log *ring.Ring, events []ring.Event) error {
	for _, e := range events {
		seq, id := e.Seq, e.ID
		if isAssigned(log.Tag(), seq, id) {
			e.ID = ""
		}
		stored, err := log.Append(e)
		if err != nil {
			return err
		}
		if stored.Seq != seq || stored.ID != id {
			return fmt.Errorf(
				"shard: event %d with ID %q has become event %d with ID %q",
				seq,
				id,
				stored.Seq,
				stored.ID,
			)
		}
	}
	return nil
}

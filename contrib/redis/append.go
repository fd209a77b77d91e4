package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/ring"
)

// Append implements replay.Store. It is activity.
//
// When the connection breaks before the answer has come, Append asks again for as long as it may, and finds out whether the event was stored: it
// is never stored twice. Only if all events that the session retains are younger than the first attempt can that not be told; then the
// error is ErrUnavailable.
func (s *Store) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	if !validID(id) {
		return ring.Event{}, refusal(1, id)
	}
	if err := s.check(e); err != nil {
		// What is wrong with the session comes first.
		if _, other := s.touch(ctx, id, nil, true); other != nil {
			return ring.Event{}, other
		}
		return ring.Event{}, err
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = time.Unix(0, e.Time.UnixNano())
	token := randomText(tokenLen)
	r := record(e, token)
	e.Data = r[len(r)-len(e.Data):] // also because the client may still be sending when it has given up on the answer
	args := []string{s.limits, rueidis.BinaryString(r), e.ID}
	m, err := s.run(ctx, s.scripts.append, s.buckets.keys(id)[:3], args, func(since time.Duration) []string {
		return []string{s.limits, rueidis.BinaryString(r), e.ID, strconv.FormatInt(since.Milliseconds()+1, 10)}
	})
	if err != nil {
		return ring.Event{}, err
	}
	if !m.IsString() {
		return s.refused(m, id)
	}
	stored := text(m)
	if len(stored) < tagLen {
		return ring.Event{}, fmt.Errorf("%w: unexpected answer %.64q", ErrUnavailable, stored)
	}
	e.Seq = seqOf(stored[tagLen:])
	if e.ID == "" {
		e.ID = assignedID(stored[:tagLen], e.Seq, token)
	}
	return e, nil
}

// refused returns what a refused append is answered with: for a duplicate, the event that is retained.
func (s *Store) refused(m rueidis.RedisMessage, id string) (e ring.Event, err error) {
	list, err := listOf(m, id)
	if err != nil {
		return e, err
	}
	if len(list) != 4 || !decode(&e, text(list[1]), seqOf(text(list[2])), text(list[3])) {
		return ring.Event{}, fmt.Errorf("%w: an entry is not one of this package", ErrUnavailable)
	}
	return e, fmt.Errorf("%w: %q is sequence %d", ring.ErrDuplicateID, e.ID, e.Seq)
}

// check says whether e may be stored. For all but its size it asks a ring, so that there is one set of rules.
func (s *Store) check(e ring.Event) error {
	size := e.Size()
	e.Data = nil
	if _, err := s.rules.Append(e); errors.Is(err, ring.ErrInvalidEvent) {
		return err
	}
	if size > s.cfg.Ring.MaxEventBytes {
		return fmt.Errorf("%w: its size is %d bytes, Config.Ring.MaxEventBytes is %d", ring.ErrEventTooLarge, size, s.cfg.Ring.MaxEventBytes)
	}
	if size+ring.Overhead > s.cfg.Ring.MaxBytes {
		return fmt.Errorf("%w: its size is %d bytes and %d of overhead, Config.Ring.MaxBytes is %d",
			ring.ErrEventTooLarge, size, ring.Overhead, s.cfg.Ring.MaxBytes)
	}
	return nil
}

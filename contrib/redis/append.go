package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/ring"
)

// Append implements replay.Store. It is activity.
//
// When the connection breaks before the answer has come, Append asks again for as long as it may,
// and finds out whether the event was stored: it is never stored twice. That can not be told of an
// event without an ID of its own, when the session has evicted events and all that are left were
// stored after the first attempt or within two seconds before it, as clocks differ. Then the error
// is ErrUnavailable.
func (s *Store) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	var one [1]ring.Event
	one[0] = e
	duplicate, err := s.store(ctx, id, one[:], "", "")
	if err != nil {
		return duplicate, err
	}
	return one[0], nil
}

// AppendAll implements replay.Batcher, in one round trip. What Append says of answers that are lost
// holds for all events together. The server does nothing else meanwhile.
func (s *Store) AppendAll(ctx context.Context, id string, es []ring.Event) ([]ring.Event, error) {
	stored := append([]ring.Event(nil), es...)
	if _, err := s.store(ctx, id, stored, "", ""); err != nil {
		return nil, err
	}
	return stored, nil
}

// store stores es, and makes them what was stored. fence and first are those of a Writer. With
// ring.ErrDuplicateID it returns the event that is retained.
func (s *Store) store(
	ctx context.Context, id string, es []ring.Event, fence, first string,
) (duplicate ring.Event, err error) {
	if !validID(id) {
		return duplicate, refusal(codeNotFound, id)
	}
	token, now := randomText(tokenLen), time.Now()
	args := []string{s.head, "", fence, first, ""}
	var invalid error
	for i := range es {
		e := &es[i]
		if invalid = check(*e); invalid != nil {
			break
		}
		if e.Time.IsZero() {
			e.Time = now
		}
		e.Time = time.Unix(0, e.Time.UnixNano())
		r := record(*e, token)
		// Also because the client may still be sending when it has given up on the answer.
		e.Data = r[len(r)-len(e.Data):]
		args = append(args, rueidis.BinaryString(r), e.ID)
	}
	if invalid != nil || len(es) == 0 { // what is wrong with the session, or with an event before, comes first
		args[4] = "1"
	}
	m, err := s.run(ctx, s.scripts.append, id, args, func(since time.Duration) []string {
		again := append([]string(nil), args...)
		again[1] = strconv.FormatInt(since.Milliseconds()+1, 10)
		return again
	})
	if err != nil {
		if errors.Is(err, errDuplicate) {
			return retained(m)
		}
		return duplicate, err
	}
	if invalid != nil || len(es) == 0 {
		return duplicate, invalid
	}
	stored, hint := strings.CutSuffix(text(m), "!")
	if len(stored) < tagLen {
		return duplicate, fmt.Errorf("%w: unexpected answer %.64q", ErrUnavailable, stored)
	}
	if hint {
		s.hinted(id, codeHint)
	}
	if fence != "" {
		return duplicate, nil
	}
	seq := seqOf(stored[tagLen:])
	for i := range es {
		es[i].Seq = seq + uint64(i)
		if es[i].ID == "" {
			es[i].ID = assignedID(stored[:tagLen], es[i].Seq, token)
		}
	}
	return duplicate, nil
}

// errDuplicate is a refusal that brings the retained event, except for an ID that a batch has
// twice; it does not leave the package by itself.
var errDuplicate = fmt.Errorf("%w", ring.ErrDuplicateID)

// retained returns the event of a refusal with codeDuplicate, and the error for it.
func retained(m rueidis.RedisMessage) (e ring.Event, err error) {
	list, err := m.ToArray()
	if err == nil && len(list) == 1 {
		return e, fmt.Errorf("%w: twice in one call", ring.ErrDuplicateID)
	}
	if err != nil || len(list) != 4 || !decode(&e, text(list[1]), seqOf(text(list[2])), text(list[3])) {
		return ring.Event{}, fmt.Errorf("%w: an entry is not one of this package", ErrUnavailable)
	}
	return e, fmt.Errorf("%w: %q is sequence %d", ring.ErrDuplicateID, e.ID, e.Seq)
}

// check says whether e may be stored, but for its size and the rules for IDs, for which a session
// may have limits of its own.
func check(e ring.Event) error {
	e.Data = nil
	return ring.Config{MaxIDBytes: ring.MaxMaxIDBytes}.Check(e)
}

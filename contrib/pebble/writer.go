package pebble

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// writer is a Writer: it writes one incarnation for as long as the lease has its token.
type writer struct {
	s    *session
	term time.Duration
	held replay.Held
}

// Held implements replay.Writer.
func (w *writer) Held() replay.Held { return w.held }

// may is replay.ErrFenced once somebody else has taken the session. It is called with the session's
// lock held.
func (w *writer) may(int64) error {
	if w.s.lease.token != w.held.Token {
		return fmt.Errorf("%w: %.64q", replay.ErrFenced, w.s.id)
	}
	return nil
}

// change is Store.change for the writer alone.
func (w *writer) change(ctx context.Context, decide func(*session, int64) (*write, error)) error {
	return w.s.store.changeOne(ctx, w.s, func(s *session, now int64) (*write, error) {
		if err := w.may(now); err != nil {
			return nil, err
		}
		return decide(s, now)
	})
}

// Append implements replay.Writer.
func (w *writer) Append(ctx context.Context, es []ring.Event) error {
	for i := range es {
		if es[i].Seq == 0 || es[i].ID == "" || es[i].Time.IsZero() {
			return fmt.Errorf("%w: Seq, ID or Time of event %d of a Writer is zero", ring.ErrInvalidEvent, i)
		}
		if es[i].Seq != es[0].Seq+uint64(i) {
			return fmt.Errorf("%w: Seq is %d after %d", ring.ErrInvalidEvent, es[i].Seq, es[i-1].Seq)
		}
	}
	if err := w.s.store.mayWrite(ctx); err != nil {
		return err
	}
	refused := check(es, w.limits())
	return w.change(ctx, func(s *session, now int64) (*write, error) {
		if s.decided.status == shard.Finished {
			return nil, about(shard.ErrFinished, s.id)
		}
		if refused != nil {
			return nil, refused
		}
		return s.copy(es, now)
	})
}

// limits are those of the session, but that the writer has decided which IDs may be.
func (w *writer) limits() ring.Config {
	c := w.s.limits
	c.MaxIDBytes, c.StrictIDs = ring.MaxMaxIDBytes, false
	return c
}

// copy stores those of es that are not there yet.
func (s *session) copy(es []ring.Event, now int64) (*write, error) {
	next := s.decided
	next.activity = max(next.activity, now)
	a := newAddition(len(es))
	total := int64(0)
	for i := range es {
		if es[i].Seq <= s.decided.last {
			continue
		}
		if es[i].Seq != next.last+1 {
			return nil, &replay.MissingError{Last: s.decided.last, Next: es[i].Seq}
		}
		e := es[i]
		e.Data = bytes.Clone(e.Data) // the caller has it back when its context ends, and the disk may have it later
		e.Time = time.Unix(0, e.Time.UnixNano())
		one := slot{cost: costOf(&e)}
		if one.numbered = s.number(&next, &e); !one.numbered {
			_, _, found, err := s.find(e.ID)
			if err != nil {
				return nil, err
			}
			found = found || slices.ContainsFunc(a.events, func(before ring.Event) bool { return before.ID == e.ID })
			next.shared, next.imitated = next.shared || found, next.imitated || isOwn(s.tag, e.ID)
			one.id = e.ID
		}
		next.last++
		a.events, a.slots = append(a.events, e), append(a.slots, one)
		total += one.cost
	}
	if len(a.events) == 0 {
		return s.edit().queue() // what is there counts once it is confirmed
	}
	if err := fits(len(a.events), total, s.limits); err != nil {
		return nil, err
	}
	next.bytes += total
	if err := s.put(a, next); err != nil {
		return nil, err
	}
	return &a.write, nil
}

// number reports whether the ID of e is one that follows from its sequence and the state.
func (s *session) number(next *state, e *ring.Event) bool {
	name, ok := numberedBy(e.ID, e.Seq)
	return ok && !isOwn(s.tag, e.ID) && next.number(name, e.Seq)
}

// Restart implements replay.Writer.
func (w *writer) Restart(ctx context.Context, next uint64) error {
	return w.change(ctx, func(s *session, now int64) (*write, error) {
		if s.decided.status == shard.Finished {
			return nil, about(shard.ErrFinished, s.id)
		}
		if next <= s.decided.last || next > ring.MaxSeq {
			return nil, fmt.Errorf("pebble: Restart at %d, want %d to %d", next, s.decided.last+1, uint64(ring.MaxSeq))
		}
		e := s.edit()
		for _, prefix := range []byte{prefixEvent, prefixIndex} {
			e.batch.DeleteRange(numberKey(prefix, s.inc), numberKey(prefix, s.inc+1), nil)
		}
		s.decided.first, s.decided.last, s.decided.bytes, s.decided.shared = next, next-1, 0, false
		s.touch(now)
		queued, err := e.queue()
		if err == nil {
			s.emptied(next)
		}
		return queued, err
	})
}

// Update implements replay.Writer.
func (w *writer) Update(ctx context.Context, change func(*shard.Metadata)) error {
	return w.s.store.update(ctx, w.s, change, w.may)
}

// Finish implements replay.Writer.
func (w *writer) Finish(ctx context.Context) error {
	return w.change(ctx, func(s *session, now int64) (*write, error) { return s.finish(now) })
}

// Terminate implements replay.Writer.
func (w *writer) Terminate(ctx context.Context) error { return w.change(ctx, terminate) }

// Renew implements replay.Writer.
func (w *writer) Renew(ctx context.Context) error {
	return w.change(ctx, func(s *session, now int64) (*write, error) {
		s.lease.until = now + int64(w.term)
		s.touch(now)
		return s.edit().queue()
	})
}

// Release implements replay.Writer.
func (w *writer) Release(ctx context.Context) error {
	return w.change(ctx, func(s *session, _ int64) (*write, error) {
		s.fence()
		return nil, nil
	})
}

package replay

import (
	"context"
	"errors"
	"iter"

	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Drain returns all events that are ready, or r's error and none. The end of a session
// (shard.ErrFinished, shard.ErrNotFound) is an error once there is nothing left to return. It does
// not wait, does not close r, and takes what is ready when it is called: events that a local
// session stores meanwhile are left for the next call.
func Drain(r Reader) ([]ring.Event, error) {
	end := ^uint64(0)
	var events []ring.Event
	if l, ok := r.(*reader); ok {
		if tail := l.s.Tail(); l.s.Err() == nil {
			end = tail.Seq()
		}
	}
	var e ring.Event
	for (len(events) == 0 || events[len(events)-1].Seq < end) && r.Next(&e) {
		events = append(events, e)
	}
	if err := r.Err(); err != nil && (len(events) == 0 || !isEnd(err)) {
		return nil, err
	}
	return events, nil
}

// isEnd reports whether err says that a session has ended, so that everything before was read.
func isEnd(err error) bool {
	return errors.Is(err, shard.ErrFinished) || errors.Is(err, shard.ErrNotFound)
}

// All yields r's events as they come, from where r was opened, and last the error that ended it:
// ctx's, or r's. It closes r when the range ends, whatever the reason; a second range yields
// [ErrClosed]. Nothing is held while the loop's body runs.
//
// A reader that was opened for everything begins with the oldest event that is retained. A Seq
// above 1 in the first event of such a reader of every stream says that the session's beginning is
// gone; see [After] for an error instead.
func All(ctx context.Context, r Reader) iter.Seq2[ring.Event, error] {
	return func(yield func(ring.Event, error) bool) {
		defer r.Close()
		var e ring.Event
		for {
			if err := ctx.Err(); err != nil {
				yield(ring.Event{}, err)
				return
			}
			if r.Next(&e) {
				if !yield(e, nil) {
					return
				}
				continue
			}
			err := r.Err()
			if err == nil {
				err = r.Wait(ctx)
			}
			if err != nil {
				yield(ring.Event{}, err)
				return
			}
		}
	}
}

// Follow yields the events after lastEventID on that event's stream, or everything retained on
// every stream when it is empty, and then events as they are stored, without gap or duplicate. The
// session stays attached while the range runs.
//
// Where lastEventID is empty and the beginning is gone, see [After] for how to tell.
//
// The last pair carries the error that ended it: ctx's; shard.ErrNotFound or shard.ErrFinished when
// the session has ended or finished, after every event stored before; ring.ErrEvicted when events
// were dropped before they were read; ring.ErrUnknownID or ring.ErrEvicted at once when lastEventID
// is not retained. Every range begins anew at lastEventID. It costs no allocation per event.
func Follow(ctx context.Context, s *shard.Session, lastEventID string) iter.Seq2[ring.Event, error] {
	return func(yield func(ring.Event, error) bool) {
		r, err := open(s, Position{LastEventID: lastEventID})
		if err != nil {
			yield(ring.Event{}, err)
			return
		}
		All(ctx, r)(yield)
	}
}

// After yields the events after lastEventID on that event's stream, or everything retained on every
// stream when it is empty: all that are stored when the range begins, or one error and nothing
// else. The error is ring.ErrUnknownID or ring.ErrEvicted when lastEventID is not retained,
// ring.ErrEvicted too when writers dropped an event that belongs to the answer, and
// shard.ErrNotFound when the session has ended.
//
// With an empty lastEventID the first event's Seq tells whether the session's beginning is gone:
// then it is above 1. To get the whole session or an error, ask for what comes after the place
// before the first event, which is ring.ErrEvicted once any event is gone:
//
//	replay.After(s, s.PositionID(0))
//
// Every range begins anew. It collects the events first, with one allocation of about 100 bytes an
// event (payloads are not copied), and then yields them however long the loop takes: nothing is
// held meanwhile, and the events stay valid.
func After(s *shard.Session, lastEventID string) iter.Seq2[ring.Event, error] {
	return func(yield func(ring.Event, error) bool) {
		events, err := after(s, lastEventID)
		if err != nil {
			yield(ring.Event{}, err)
			return
		}
		for i := range events {
			if !yield(events[i], nil) {
				return
			}
		}
	}
}

// Send hands the events that [After] would yield to send, in order, and returns send's first error,
// or the error of After before send was called at all. Nothing is held while send runs: it may
// block and may call back into the session.
func Send(s *shard.Session, lastEventID string, send func(ring.Event) error) error {
	events, err := after(s, lastEventID)
	if err != nil {
		return err
	}
	for i := range events {
		if err := send(events[i]); err != nil {
			return err
		}
	}
	return nil
}

// after collects what is stored after lastEventID now. Events are views of memory that is never
// overwritten: a collected event is safe from eviction, so the answer is complete or an error
// before anybody sees any of it.
func after(s *shard.Session, lastEventID string) ([]ring.Event, error) {
	tail := s.Tail() // before Seek: a Seek that succeeds proves that the session had not ended then
	cur, err := s.Seek(lastEventID)
	if err != nil {
		return nil, err
	}
	end := tail.Seq()
	n := end - min(cur.Seq(), end)
	if lastEventID != "" && n > countFirst {
		n = count(cur, end)
	}
	events := make([]ring.Event, 0, n)
	var e ring.Event
	for cur.Seq() < end && cur.Next(&e) && e.Seq <= end {
		events = append(events, e)
	}
	if err := cur.Err(); err != nil && cur.Seq() < end {
		if ended := s.Err(); errors.Is(ended, shard.ErrNotFound) {
			return nil, ended // its events have gone with it
		}
		shardaccess.CountReplay(s, 0, 1)
		return nil, err
	}
	shardaccess.CountReplay(s, len(events), 0)
	return events, nil
}

// countFirst is how many events may follow a position before counting those of its stream is
// cheaper than room for all.
const countFirst = 64

func count(cur ring.Cursor, end uint64) (n uint64) {
	var e ring.Event
	for cur.Seq() < end && cur.Next(&e) && e.Seq <= end {
		n++
	}
	return n
}

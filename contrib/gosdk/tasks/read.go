package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// errUnknown is what is said of a task that is not there, has gone, or is somebody else's.
var errUnknown = errors.New("tasks: unknown task")

// errDead is why a task fails whose process has gone.
var errDead = errors.New("the process that ran the task has gone")

// read returns what a task's log says to principal now. A task whose runner has gone is failed
// first, for everybody.
func (x *Extension) read(ctx context.Context, id, principal string) (*state, error) {
	s, err := x.load(ctx, id, principal)
	if err != nil || s.ended() {
		return s, err
	}
	if lives, err := x.runs(ctx, s.Runner); err != nil || lives {
		return s, err
	}
	first, err := x.conclude(ctx, id, failure(errDead))
	switch {
	case errors.Is(err, shard.ErrNotFound):
		return nil, errUnknown
	case err != nil:
		return nil, err
	case first:
		x.counters.dead.Add(1)
	}
	return x.load(ctx, id, principal) // it may have ended otherwise just before
}

// load returns what a task's log says.
func (x *Extension) load(ctx context.Context, id, principal string) (*state, error) {
	info, err := x.store.Info(ctx, id)
	switch {
	case errors.Is(err, shard.ErrNotFound) || errors.Is(err, shard.ErrInvalidID):
		return nil, errUnknown
	case err != nil:
		return nil, err
	case info.Transport != transportTask || info.Principal != principal || info.Status > shard.Finished:
		return nil, errUnknown
	}
	f, err := factsOf(info)
	if err != nil {
		return nil, err
	}
	s, err := x.replay(ctx, id, f, info.Log.Last)
	if err != nil {
		return nil, err
	}
	if s.ended() && s.TTL >= 0 && time.Since(s.updated) > s.TTL { // only clients that ask have kept it
		return nil, errors.Join(errUnknown, x.store.Terminate(ctx, id))
	}
	return s, nil
}

// maxOvertaken is how often a log is read again because it was dropped faster than it could be
// read.
const maxOvertaken = 50

// replay reads a log up to sequence last, at least.
func (x *Extension) replay(ctx context.Context, id string, f facts, last uint64) (*state, error) {
	for attempt := 1; ; attempt++ {
		s := newState(id, f)
		err := x.readInto(ctx, s, last)
		switch {
		case err == nil:
			return s, nil
		case errors.Is(err, shard.ErrNotFound):
			return nil, errUnknown
		case !errors.Is(err, ring.ErrEvicted) || attempt == maxOvertaken:
			return nil, fmt.Errorf("tasks: reading task %.64q: %w", id, err)
		}
	}
}

func (x *Extension) readInto(ctx context.Context, s *state, last uint64) error {
	r, err := x.store.Open(ctx, s.id, replay.Position{})
	if err != nil {
		return err
	}
	defer r.Close()
	var e ring.Event
	for {
		for r.Next(&e) {
			if err := s.apply(e); err != nil {
				return err
			}
		}
		if s.last >= last || errors.Is(r.Err(), shard.ErrFinished) {
			return nil
		}
		if err := r.Err(); err != nil {
			return err
		}
		if err := r.Wait(ctx); err != nil {
			return err
		}
	}
}

package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// watch tells what becomes of a task, beginning with how it is now, until it has ended or gone, or
// tell fails, or ctx ends. What changes faster than it is told is told once.
func (x *Extension) watch(ctx context.Context, id, principal string, tell func(*info) error) {
	var said []byte
	say := func(s *state) error {
		i := s.detailed()
		data, err := json.Marshal(i)
		if err != nil || bytes.Equal(data, said) {
			return err
		}
		said = data
		return tell(i)
	}
	for pause := minPause; ctx.Err() == nil; pause = min(2*pause, maxPause) {
		over, err := x.watchFrom(ctx, id, principal, say)
		if over || errors.Is(err, errUnknown) || ctx.Err() != nil {
			return
		}
		x.cfg.Logger.WarnContext(ctx, "tasks: watching a task is interrupted", "task", id, "error", err)
		sleep(ctx, pause)
	}
}

// watchFrom follows a task's log from its beginning. It reports whether there is nothing to come.
func (x *Extension) watchFrom(
	ctx context.Context, id, principal string, say func(*state) error,
) (over bool, err error) {
	now, err := x.read(ctx, id, principal)
	if err != nil {
		return false, err
	}
	r, err := x.store.Open(ctx, id, replay.Position{})
	if err != nil {
		return false, err
	}
	defer r.Close()
	s := newState(id, now.facts)
	var e ring.Event
	for {
		for r.Next(&e) {
			if err := s.apply(e); err != nil {
				return true, err
			}
		}
		if s.last >= now.last {
			if err := say(s); err != nil || s.ended() {
				return true, err
			}
		}
		if err := r.Err(); err != nil {
			return false, err
		}
		if err := x.await(ctx, r, id, principal); err != nil {
			return false, err
		}
	}
}

// await waits for an event. Whether the runner still lives it looks up once in a lease: if not, it
// fails the task, which is an event.
func (x *Extension) await(ctx context.Context, r replay.Reader, id, principal string) error {
	short, cancel := context.WithTimeout(ctx, x.cfg.Lease)
	defer cancel()
	err := r.Wait(short)
	if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	_, err = x.read(ctx, id, principal)
	return err
}

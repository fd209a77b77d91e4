package tasks

import (
	"context"
	"errors"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// A runner is this process in the eyes of all others: a session whose TTL is the lease, and which
// this process keeps from expiring. Each task names the runner's session that it belongs to; once
// that has ended, nobody works on the task any more. The Store's clock alone decides.
//
// id and ctx are set once, before anybody else has the runner. ctx ends when the session has, or
// the Extension is closed, with the reason as its cause.
type runner struct {
	id     string
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when keep has returned
}

// runner returns the runner of this process, and makes one if there is none, or it was lost. It
// asks the Store: a process that was paused may not know yet.
func (x *Extension) runner(ctx context.Context) (*runner, error) {
	if r, err := x.alive(); r != nil || err != nil {
		if err == nil {
			err = x.sign(ctx, r)
		}
		if err == nil || !errors.Is(err, shard.ErrNotFound) {
			return r, err
		}
	}
	x.making.Lock()
	defer x.making.Unlock()
	if r, err := x.alive(); r != nil || err != nil { // it was just made
		return r, err
	}
	id, err := replay.CreateWith(ctx, x.store, shard.Options{
		Metadata: shard.Metadata{Transport: transportRunner, Principal: principalRunner},
		TTL:      x.cfg.Lease,
	})
	if err != nil {
		return nil, err
	}
	r := &runner{id: id, done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closing { // the session expires by itself
		return nil, ErrClosed
	}
	x.current = r
	go x.keep(r)
	return r, nil
}

// alive returns the runner, or nil if there is none or it was lost.
func (x *Extension) alive() (*runner, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.closing:
		return nil, ErrClosed
	case x.current == nil || x.current.ctx.Err() != nil:
		return nil, nil
	}
	return x.current, nil
}

// keep gives a sign of life three times in a lease. A Store that fails is asked again: whether the
// lease has run out meanwhile is for the Store to say.
func (x *Extension) keep(r *runner) {
	defer close(r.done)
	tick := time.NewTicker(x.cfg.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(r.ctx, x.cfg.Lease/3)
		if err := x.sign(ctx, r); err != nil && r.ctx.Err() == nil {
			x.cfg.Logger.Warn("tasks: a sign of life failed", "error", err)
		}
		cancel()
	}
}

// sign gives a sign of life. If it comes too late the tasks are lost.
func (x *Extension) sign(ctx context.Context, r *runner) error {
	err := x.store.Touch(ctx, r.id)
	if errors.Is(err, shard.ErrNotFound) && r.ctx.Err() == nil {
		x.cfg.Logger.Warn("tasks: this process has lost its tasks: it gave no sign of life in time",
			"lease", x.cfg.Lease)
		r.cancel(ErrLost)
	}
	return err
}

// runs reports whether a runner still gives signs of life.
func (x *Extension) runs(ctx context.Context, id string) (bool, error) {
	info, err := x.store.Info(ctx, id)
	if errors.Is(err, shard.ErrNotFound) {
		return false, nil
	}
	return err == nil && info.Status == shard.Active, err
}

package tiered

import (
	"context"
	"errors"
	"slices"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A batch of a copy has at most so many events and bytes.
const (
	batchEvents = 256
	batchBytes  = 1 << 20
)

// wake has somebody copy, unless somebody does.
func (h *session) wake() {
	if h.busy.Load() || h.busy.Swap(true) {
		return
	}
	h.store.spawn(h.copy)
}

// hasWork reports whether there is something for a copier to do for which no caller leads.
func (h *session) hasWork() bool {
	due := h.owed.Load()
	if !h.store.cfg.Sync {
		due = h.newest()
	}
	return h.copied.Load() < due || h.hasChores()
}

// hasChores reports whether there is more to do than to copy.
func (h *session) hasChores() bool {
	return h.ending.Load() || h.finishing.Load() && !h.finished.Load() || h.doubted.Load() || h.toMend.Load()
}

// copy does what there is to do, and comes to an end with it, or once a caller leads.
func (h *session) copy() {
	ctx, c := h.store.ctx, &h.copier
	for failures := 0; ctx.Err() == nil; {
		if h.step(ctx, c) != nil {
			h.store.rest(failures)
			failures++
			continue
		}
		failures = 0
		if h.isGone() || h.passOn() {
			return
		}
	}
}

// passOn makes the first who waits the leader, or gives busy up when nobody does. It reports
// whether it has: not while there is work for whoever has busy.
func (h *session) passOn() bool {
	if len(h.copier.batch) > 0 || h.hasWork() {
		return false
	}
	h.mu.Lock()
	if len(h.waiters) > 0 {
		w := h.waiters[0]
		h.waiters = slices.Delete(h.waiters, 0, 1)
		w.told <- verdict{leads: true}
		h.mu.Unlock()
		return true
	}
	h.copier.rest()
	h.busy.Store(false)
	h.mu.Unlock()
	return !h.hasWork() || h.busy.Swap(true)
}

func (h *session) isGone() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.gone
}

// A copier is how far the copying is in the log.
type copier struct {
	cursor ring.Cursor
	placed bool
	batch  []ring.Event // read and not yet confirmed behind
	single bool         // one of them was refused: they go one by one
	asked  bool         // Finish was called, and may have taken effect
}

// rest gives back memory while there is nothing to copy.
func (c *copier) rest() {
	const few = 8
	if cap(c.batch) > few {
		c.batch = nil
	}
}

// step does one thing: it ends the copy, copies a batch, or finishes the copy. An error is one that
// may pass.
func (h *session) step(ctx context.Context, c *copier) error {
	if h.ending.Load() {
		return h.endCopy(ctx)
	}
	if h.doubted.Load() {
		return h.lookInto(ctx, c)
	}
	if len(c.batch) == 0 {
		if restart := h.read(c); restart > 0 {
			if err := h.call(ctx, func(ctx context.Context) error {
				return h.writer().Restart(ctx,
					restart)
			}); err != nil {
				return h.explain(ctx, c, err)
			}
			h.change(func() { h.copied.Store(restart - 1) })
			c.placed = false
			return nil
		}
	}
	if len(c.batch) > 0 {
		return h.send(ctx, c)
	}
	if h.finishing.Load() && !h.finished.Load() && h.copied.Load() >= h.newest() {
		if err := h.call(ctx, h.writer().Finish); err != nil {
			c.asked = c.asked || !isLost(err)
			return h.explain(ctx, c, err)
		}
		h.change(func() { h.finished.Store(true) })
		return nil
	}
	if h.toMend.Load() {
		return h.mend(ctx, c)
	}
	return nil
}

// send copies the batch, or one event of it.
func (h *session) send(ctx context.Context, c *copier) error {
	n := len(c.batch)
	if c.single {
		n = 1
	}
	err := h.call(ctx, func(ctx context.Context) error { return h.writer().Append(ctx, c.batch[:n]) })
	if errors.Is(err, ring.ErrEventTooLarge) || errors.Is(err, ring.ErrInvalidEvent) {
		if n > 1 {
			c.single = true
			return nil
		}
		return h.skip(ctx, c, err)
	}
	if err != nil {
		return h.explain(ctx, c, err)
	}
	h.sent(c, n, nil)
	return nil
}

// sent goes on behind the first n events of the batch, which are behind, or will never be.
func (h *session) sent(c *copier, n int, refused error) {
	last := c.batch[n-1].Seq
	c.batch = c.batch[:copy(c.batch, c.batch[n:])]
	clear(c.batch[len(c.batch):cap(c.batch)])
	c.single = c.single && len(c.batch) > 0
	h.change(func() {
		if refused != nil {
			h.refused = append(h.refused[max(0, len(h.refused)-maxRefused):], refusal{last, refused})
		}
		h.copied.Store(last)
		h.leading = nil
	})
}

// skip leaves out an event that the Store behind, stricter than this one, never takes: what was
// before it goes from there, so that readers are told of the gap.
func (h *session) skip(ctx context.Context, c *copier, why error) error {
	next := c.batch[0].Seq + 1
	if err := h.call(ctx, func(ctx context.Context) error { return h.writer().Restart(ctx, next) }); err != nil {
		return h.explain(ctx, c, err)
	}
	h.sent(c, 1, why)
	return nil
}

// read fills the batch with what follows on what is copied. When that has been dropped here, it
// returns the sequence of the oldest event that has not.
func (h *session) read(c *copier) (restart uint64) {
	if !c.placed {
		cursor, err := h.front.Seek(h.front.PositionID(h.copied.Load()))
		if err != nil {
			return h.oldest()
		}
		c.cursor, c.placed = cursor.All(), true
	}
	size := 0
	for len(c.batch) < batchEvents && size < batchBytes {
		c.batch = append(c.batch, ring.Event{})
		e := &c.batch[len(c.batch)-1]
		if !c.cursor.Next(e) {
			c.batch = c.batch[:len(c.batch)-1]
			break
		}
		size += e.Size()
	}
	if len(c.batch) == 0 && c.cursor.Err() != nil {
		c.placed = false
		return h.oldest()
	}
	return 0
}

func (h *session) oldest() uint64 {
	if first := h.front.Info().Log.First; first > h.copied.Load()+1 {
		return first
	}
	return 0
}

// explain finds out what a failed call to the writer means, and does what follows from it. It
// returns nil when things have changed, and err when there is nothing to do but try again.
func (h *session) explain(ctx context.Context, c *copier, err error) error {
	var missing *replay.MissingError
	switch {
	case errors.As(err, &missing): // the Store behind has lost the end of what it had
		clear(c.batch)
		c.batch, c.placed = c.batch[:0], false
		h.change(func() {
			h.owe(h.copied.Load())
			h.copied.Store(missing.Last)
		})
		return nil
	case errors.Is(err, replay.ErrFenced):
		h.lose(err)
		return nil
	case errors.Is(err, shard.ErrNotFound) && c.asked && !h.wasAway(): // as one that has finished may
		h.change(func() { h.finished.Store(true) })
		return nil
	case errors.Is(err, shard.ErrNotFound):
		return h.vanished(ctx, c)
	case errors.Is(err, shard.ErrFinished):
		h.change(func() { h.finished.Store(true); h.failed = err })
		h.front.Finish()
		return nil
	}
	return err
}

// endCopy ends the copy of a session that has ended. One that has finished ends by itself, unless
// it was terminated.
func (h *session) endCopy(ctx context.Context) error {
	if !h.finished.Load() || h.front.Info().Status == shard.Terminated {
		err := h.call(ctx, h.writer().Terminate)
		if errors.Is(err, shard.ErrNotFound) && h.remade { // perhaps it has a copy whose Writer was lost
			err = h.call(ctx, func(ctx context.Context) error { return h.store.endTagged(ctx, h.id, h.tag) })
		}
		if err != nil && !isLost(err) {
			return err
		}
	}
	h.store.held.CompareAndDelete(h.id, h)
	h.change(func() { h.gone = true })
	return nil
}

package tiered

import (
	"context"
	"errors"
	"time"

	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// vanished is called when the copy has ended and not by this process. If somebody has ended it, so
// be it. If it has expired while the Store behind could not be reached, the session goes on, and
// gets a new copy. One that is found under the ID may be that, or another session.
func (h *session) vanished(ctx context.Context, c *copier) error {
	if h.ending.Load() {
		return nil // it ends behind as well, see endCopy
	}
	info, err := h.store.infoBehind(ctx, h.id)
	switch {
	case err != nil && !errors.Is(err, shard.ErrNotFound):
		return err
	case err == nil && info.Status == shard.Expired:
	case err == nil && info.Status == shard.Terminated, !h.wasAway():
		h.lose(shard.ErrNotFound)
		return nil
	}
	asked := time.Now() // the Store behind counts from later than that
	w, err := h.createAnew(ctx)
	if errors.Is(err, shard.ErrExists) {
		h.lose(shard.ErrNotFound)
		return nil
	}
	if err != nil {
		return err
	}
	clear(c.batch)
	c.batch, c.placed = c.batch[:0], false
	first := max(1, h.front.Info().Log.First)
	h.change(func() {
		h.w = w
		h.owe(h.copied.Load())
		h.copied.Store(first - 1)
		h.finished.Store(false)
	})
	c.asked = false
	h.renewAt.Store(asked.Add(h.store.cfg.Term / 3).UnixNano())
	if first > 1 {
		return h.call(ctx, func(ctx context.Context) error { return w.Restart(ctx, first) })
	}
	return nil
}

// createAnew makes a new copy, without events. An ID that is another session's by now is
// shard.ErrExists.
func (h *session) createAnew(ctx context.Context) (replay.Writer, error) {
	o := h.writer().Held().Options
	o.Ring, o.Metadata = inFront(o.Ring), h.front.Info().Metadata
	h.remade = true
	l := h.store.lease(h.tag)
	l.Claims = shardaccess.Claims(h.front)
	w, err := h.store.createHeld(ctx, o, l)
	if !errors.Is(err, shard.ErrExists) {
		return w, err
	}
	// Perhaps an earlier call has made it, of which the answer was lost: then it has this tag.
	err = h.call(ctx, func(ctx context.Context) (err error) {
		w, err = h.store.reclaim(ctx, h.id, h.tag)
		return err
	})
	return w, err // also shard.ErrNotFound: an ended one has the ID for a while yet
}

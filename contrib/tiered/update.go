package tiered

import (
	"context"
	"errors"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// update changes the copy, and then takes over here what came of it. What is here counts: it is
// what change is given, so that nothing is left of an earlier Update that has failed.
func (h *session) update(ctx context.Context, change func(*shard.Metadata)) error {
	err := h.updateBoth(ctx, change)
	if err != nil && !h.hasEnded() { // it may have been made behind all the same
		h.torn.Store(true) // now that updating is unlocked: mend does not wait for it
		h.wake()
	}
	return err
}

func (h *session) updateBoth(ctx context.Context, change func(*shard.Metadata)) error {
	h.updating.Lock()
	defer h.updating.Unlock()
	for {
		if h.hasEnded() {
			return h.front.Err()
		}
		var now shard.Metadata
		w := h.writer()
		err := h.call(ctx, func(ctx context.Context) error {
			return w.Update(ctx, func(md *shard.Metadata) {
				*md = h.front.Info().Metadata
				change(md)
				now = *md
			})
		})
		switch {
		case err == nil:
			return h.front.Update(func(md *shard.Metadata) { *md = now })
		case !h.isLost(err):
			return err
		case h.finished.Load() && errors.Is(err, shard.ErrNotFound): // the copy has ended by itself
			return h.front.Update(change)
		}
		if err := h.replaced(ctx, w); err != nil {
			return err
		}
	}
}

// mend makes the copy's metadata what it is here. An Update that is under way does so itself, or
// has it done once it has failed.
func (h *session) mend(ctx context.Context, c *copier) error {
	h.torn.Store(false)
	if !h.updating.TryLock() {
		return nil
	}
	defer h.updating.Unlock()
	here := h.front.Info().Metadata
	err := h.call(ctx, func(ctx context.Context) error {
		return h.writer().Update(ctx, func(md *shard.Metadata) { *md = here })
	})
	if err == nil || h.finished.Load() && errors.Is(err, shard.ErrNotFound) {
		return nil
	}
	h.torn.Store(true)
	return h.explain(ctx, c, err)
}

// doubt has whoever copies find out whether the copy is another's, or gone.
func (h *session) doubt() {
	h.doubted.Store(true)
	h.wake()
}

// lookInto does that, with the Writer there is now.
func (h *session) lookInto(ctx context.Context, c *copier) error {
	if !h.finished.Load() {
		if err := h.call(ctx, h.writer().Renew); err != nil {
			if err = h.explain(ctx, c, err); err != nil {
				return err
			}
		}
	}
	h.change(func() { h.doubted.Store(false) })
	return nil
}

// replaced waits until the copy that w writes has been looked into. It returns nil when the call
// that has failed is to be made again.
func (h *session) replaced(ctx context.Context, w replay.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, h.store.cfg.Timeout)
	defer cancel()
	h.doubt()
	return h.until(ctx, func() (bool, error) {
		isNew := h.w.Held().Incarnation != w.Held().Incarnation
		return isNew || h.gone || !h.doubted.Load(), h.failed
	})
}

// claim claims a key behind, where others claim too, and then here: a copy that is made anew has
// lost its keys.
func (h *session) claim(ctx context.Context, key string) error {
	for {
		if err := h.front.Err(); err != nil {
			return err
		}
		w := h.writer()
		err := h.call(ctx, func(ctx context.Context) error { return replay.Claim(ctx, h.store.back, h.id, key) })
		switch {
		case err == nil:
			if err := h.front.Claim(key); errors.Is(err, shard.ErrClaimed) {
				return err
			}
			h.front.Touch() // a claim is activity, a refused one is not
			return nil
		case !errors.Is(err, shard.ErrNotFound):
			return err
		}
		if err := h.replaced(ctx, w); err != nil {
			return err
		}
	}
}

package tiered

import (
	"context"
	"errors"
	"fmt"

	"github.com/reprise-go/reprise/internal/callers"
	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// update changes the copy, and then takes over here what came of it. What is here counts: it is
// what change is given, so that nothing is left of an earlier Update that has failed.
func (h *session) update(ctx context.Context, change func(*shard.Metadata)) error {
	if err := h.updating.lock(ctx); err != nil {
		return err
	}
	if h.isSealed() {
		h.updating.unlock()
		return shard.ErrClosed
	}
	err := h.updateBoth(ctx, change)
	differs := err != nil && !h.hasEnded() // it may have been made behind all the same
	h.change(func() { h.torn = differs })
	h.updating.unlock()
	if differs { // only now, for mend does not wait for updating
		h.toMend.Store(true)
		h.wake()
	}
	return err
}

// applyChange calls an Update's function. Whoever has it among the callers runs inside one.
//
//go:noinline
func applyChange(change func(*shard.Metadata), md *shard.Metadata) {
	if change != nil {
		change(md)
	}
}

// refuseNested is an error in an Update's function: another Update would wait for the one that is
// under way.
func refuseNested(id string) error {
	if callers.Include(callers.Entry(applyChange)) {
		return fmt.Errorf("%w: %.64q", shard.ErrNestedUpdate, id)
	}
	return nil
}

// A mutex is a lock for which one waits no longer than a context says.
type mutex chan struct{}

func newMutex() mutex { return make(mutex, 1) }

func (m mutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m mutex) tryLock() bool {
	select {
	case m <- struct{}{}:
		return true
	default:
		return false
	}
}

func (m mutex) unlock() { <-m }

// updateBoth is called with updating locked.
func (h *session) updateBoth(ctx context.Context, change func(*shard.Metadata)) error {
	for {
		if h.hasEnded() {
			return h.front.Err()
		}
		var now shard.Metadata
		w := h.writer()
		err := h.call(ctx, func(ctx context.Context) error {
			return w.Update(ctx, func(md *shard.Metadata) {
				*md = h.front.Info().Metadata
				applyChange(change, md)
				now = *md
			})
		})
		switch {
		case err == nil:
			return h.front.Update(func(md *shard.Metadata) { *md = now })
		case !isLost(err):
			return err
		case h.finished.Load() && errors.Is(err, shard.ErrNotFound): // the copy has ended by itself
			return h.front.Update(func(md *shard.Metadata) { applyChange(change, md) })
		}
		if err := h.replaced(ctx, w); err != nil {
			return err
		}
	}
}

// mend makes the copy's metadata what it is here. An Update that is under way does so itself, or
// has it done once it has failed.
func (h *session) mend(ctx context.Context, c *copier) error {
	h.toMend.Store(false)
	if !h.updating.tryLock() {
		return nil
	}
	defer h.updating.unlock()
	here := h.front.Info().Metadata
	err := h.call(ctx, func(ctx context.Context) error {
		return h.writer().Update(ctx, func(md *shard.Metadata) { *md = here })
	})
	if err == nil || h.finished.Load() && errors.Is(err, shard.ErrNotFound) {
		h.change(func() { h.torn = false })
		return nil
	}
	h.toMend.Store(true)
	return h.explain(ctx, c, err)
}

// doubt has whoever copies find out whether the copy is another's, or gone.
func (h *session) doubt() {
	h.doubted.Store(true)
	h.wake()
}

// lookInto does that, with the Writer there is now.
func (h *session) lookInto(ctx context.Context, c *copier) error {
	if h.finished.Load() {
		info, err := h.store.infoBehind(ctx, h.id)
		switch {
		case err != nil && !errors.Is(err, shard.ErrNotFound): // that may be its own end
			return err
		case err == nil && info.Status == shard.Terminated:
			h.lose(shard.ErrNotFound)
		}
	} else if err := h.call(ctx, h.writer().Renew); err != nil {
		if err = h.explain(ctx, c, err); err != nil {
			return err
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
			// A limit is that of the Store behind. What it has forgotten is known here.
			if !shardaccess.Claim(h.front, key) {
				return fmt.Errorf("%w: %.64q", shard.ErrClaimed, key)
			}
			return h.claimAgain(ctx, w, key)
		case !errors.Is(err, shard.ErrNotFound):
			return err
		}
		if err := h.replaced(ctx, w); err != nil {
			return err
		}
	}
}

// claimAgain claims a key also in a copy that was made before the key was known here.
func (h *session) claimAgain(ctx context.Context, w replay.Writer, key string) error {
	if h.writer().Held().Incarnation == w.Held().Incarnation {
		return nil
	}
	err := h.call(ctx, func(ctx context.Context) error { return replay.Claim(ctx, h.store.back, h.id, key) })
	if errors.Is(err, shard.ErrClaimed) {
		return nil
	}
	return err
}

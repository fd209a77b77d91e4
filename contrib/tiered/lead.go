package tiered

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// The way of an append with Config.Sync.
//
// A caller whose event is in front must wait until it is behind, too. One that finds nobody copying
// leads: it takes busy, and copies on its own goroutine, with its own context, whatever is not yet
// behind. Those who come meanwhile wait. A leader that is through tells everybody whose event is
// behind, and makes the first of the rest the next leader, who copies all their events in one call.
// So an append wakes one goroutine at most, which is its own, and a call behind never waits for a
// goroutine that is to make it.
//
// Somebody waits only while busy is set: whoever comes takes busy, or is put on the list, and
// whoever has busy gives it up, or passes it to the first on the list, under mu both. And every
// event that is not behind is somebody's: a caller's who waits or leads, or is about to, or it is
// at or below owed.
//
// A leader only copies. Everything else, an error too, it leaves to a goroutine of the Store's, to
// which it gives busy, and waits like the others: that one has a context of its own, may rest and
// try again, and knows what an error means. A leader whose context ends in the middle of its call
// leaves the copy as a lost answer does, in doubt, and that is no harm: replay.Writer's Append
// stores only what is not there yet.
//
// Why not one goroutine a session that copies for all callers? It is woken by a caller and wakes it
// again: two switches an event where every session has one writer, and that goroutine, the timer
// and the channels cost as much as the Store behind.

// A waiter is a caller that waits for an event to be behind.
type waiter struct {
	seq  uint64
	told chan verdict // has room for the one that it is sent while on the list, when it leaves that
}

// A verdict tells a waiter that it leads from now on, or else what has become of its event.
type verdict struct {
	leads bool
	err   error
}

// newWaiter is of Store.waiters. That is no variable of the package, for a test's channels that are
// made in a synctest bubble must stay there.
func newWaiter() any { return &waiter{told: make(chan verdict, 1)} }

// await waits until everything up to seq is behind, or the session has ended, and its events with
// it. The Store has Config.Sync.
func (h *session) await(ctx context.Context, seq uint64) error {
	w, v := h.join(seq)
	for {
		if w != nil {
			v = h.follow(ctx, w)
		}
		if !v.leads {
			return v.err
		}
		w, v = h.lead(ctx, seq)
	}
}

// join returns the verdict on an event, which may be that the caller leads, or a waiter for it.
func (h *session) join(seq uint64) (*waiter, verdict) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if is, err := h.isDecided(seq); is {
		return nil, verdict{err: err}
	}
	if !h.busy.Swap(true) {
		return nil, verdict{leads: true}
	}
	return h.enlist(seq), verdict{}
}

// enlist is called with mu held, while busy is set.
func (h *session) enlist(seq uint64) *waiter {
	w := h.store.waiters.Get().(*waiter)
	w.seq = seq
	h.waiters = append(h.waiters, w)
	return w
}

// isDecided reports whether an event needs to be waited for no longer, and if so what has become of
// it. It is called with mu held.
func (h *session) isDecided(seq uint64) (bool, error) {
	for _, r := range h.refused {
		if r.seq == seq {
			return true, fmt.Errorf("tiered: sequence %d of %.64q is stored here and not behind: %w", seq, h.id, r.why)
		}
	}
	switch {
	case h.failed != nil:
		return true, h.failed
	case h.copied.Load() >= seq || h.gone:
		return true, nil
	case h.store.ctx.Err() != nil:
		return true, errNotBehind
	}
	return false, nil
}

var errNotBehind = fmt.Errorf("%w: what was stored is not behind", shard.ErrClosed)

// tell gives everybody a verdict who can have one. It is called with mu held.
func (h *session) tell() {
	left := h.waiters[:0]
	for _, w := range h.waiters {
		if is, err := h.isDecided(w.seq); is {
			w.told <- verdict{err: err}
		} else {
			left = append(left, w)
		}
	}
	clear(h.waiters[len(left):])
	h.waiters = left
}

// follow waits for the verdict on w's event. If ctx ends first, the event is owed.
func (h *session) follow(ctx context.Context, w *waiter) (v verdict) {
	select {
	case v = <-w.told:
	case <-ctx.Done():
		if h.unlist(w) {
			v.err = ctx.Err()
		} else {
			v = <-w.told
		}
	}
	h.store.waiters.Put(w)
	return v
}

// unlist takes w off the list, unless it has its verdict.
func (h *session) unlist(w *waiter) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, other := range h.waiters {
		if other == w {
			h.waiters = slices.Delete(h.waiters, i, i+1)
			h.owe(w.seq)
			return true
		}
	}
	return false
}

// owe has everything up to seq copied though nobody may wait for it. It is called with mu held by
// whoever has busy, or while somebody has it who looks before giving it up.
func (h *session) owe(seq uint64) { h.owed.Store(max(h.owed.Load(), seq)) }

// lead copies until there is a verdict on the event, or returns a waiter for that. The caller has
// busy, and has not any more when lead returns.
func (h *session) lead(ctx context.Context, seq uint64) (*waiter, verdict) {
	for ctx.Err() == nil && !h.hasChores() && h.copyBatch(ctx) == nil {
		h.mu.Lock()
		is, err := h.isDecided(seq)
		h.mu.Unlock()
		if is {
			if !h.passOn() {
				h.store.spawn(h.copy)
			}
			return nil, verdict{err: err}
		}
	}
	if h.hasEnded() { // OnEnd, which says so too, may be late, and there is nothing to read
		h.ending.Store(true)
	}
	h.mu.Lock()
	h.leading = nil
	is, err := h.isDecided(seq)
	var w *waiter
	if !is {
		w = h.enlist(seq)
	}
	h.mu.Unlock()
	h.store.spawn(h.copy) // if not, Close has come, and tells w
	return w, verdict{err: err}
}

var errNotNow = errors.New("tiered: there is not just a batch to copy")

// copyBatch copies what is not yet behind, up to a batch. With an error it has changed nothing that
// another copier would not find as it was.
func (h *session) copyBatch(ctx context.Context) error {
	c := &h.copier
	if h.read(c) > 0 || len(c.batch) == 0 {
		return errNotNow
	}
	ctx, cancel := context.WithCancel(ctx) // a deadline, with a timer, would cost more: see overdue
	defer cancel()
	if !h.begin(cancel) {
		return errNotBehind
	}
	defer h.store.leaders.Done()
	p, err := h.store.calls.enter(ctx)
	if err != nil {
		return err
	}
	if err := h.appendBehind(ctx, p); err != nil {
		return err
	}
	h.sent(c, len(c.batch), nil)
	return nil
}

// appendBehind makes the call. If that panics, and the caller outlives it, the session is left to a
// goroutine of the Store's.
func (h *session) appendBehind(ctx context.Context, p place) error {
	returned := false
	defer func() {
		h.store.calls.leave(p)
		if returned {
			return
		}
		h.mu.Lock()
		h.leading = nil
		h.owe(h.newest())
		h.mu.Unlock()
		h.store.spawn(h.copy)
	}()
	err := h.writer().Append(ctx, h.copier.batch)
	returned = true
	return err
}

// begin lets Close end a call, and wait for it to return, and overdue end one that takes too long.
// It reports whether it may be made yet.
func (h *session) begin(cancel context.CancelFunc) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.store.ctx.Err() != nil {
		return false
	}
	h.store.leaders.Add(1)
	h.leading, h.since = cancel, time.Now()
	switch timeout := h.store.cfg.Timeout; {
	case h.isWatched:
	case h.watch == nil:
		h.watch = time.AfterFunc(timeout, h.overdue)
	default:
		h.watch.Reset(timeout)
	}
	h.isWatched = true
	return true
}

// overdue ends a leader's call that has taken longer than Config.Timeout. It looks once in that
// time, as long as there are calls.
func (h *session) overdue() {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := h.store.cfg.Timeout - time.Since(h.since)
	switch {
	case h.leading == nil:
		h.isWatched = false
	case left > 0:
		h.watch.Reset(left)
	default:
		h.leading()
		h.isWatched = false
	}
}

// dismiss tells whoever waits that Close has come, and ends the call of whoever leads. The Store's
// ctx has ended, so nobody begins to wait or to lead from now on.
func (h *session) dismiss() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tell()
	if h.leading != nil {
		h.leading()
	}
}

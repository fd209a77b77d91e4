package tiered

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Close refuses further writes, copies what is not yet copied, for Config.Timeout at most, gives
// the leases back and ends the sessions in this process; behind, they live on, and other processes
// may write to them at once. Writes that wait for their copy are shard.ErrClosed after that. It
// returns an error that says how many events, and ends of sessions, are not behind, and how many
// sessions may be behind with metadata of an Update that has failed. It is idempotent.
func (s *Store) Close() error {
	if s.closing.Swap(true) {
		s.owned.Wait()
		return nil
	}
	close(s.left)
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Timeout)
	defer cancel()
	var all sync.WaitGroup
	var left leftovers
	s.arriving.Range(func(_, v any) bool {
		all.Go(func() {
			if a := v.(*arrival); a.withdrawing.Load() && a.wait(ctx) != nil {
				left.ends.Add(1)
			}
		})
		return true
	})
	s.held.Range(func(_, v any) bool {
		all.Go(func() { v.(*session).leave(ctx, &left) })
		return true
	})
	all.Wait()
	s.spawning.Lock()
	s.stop()
	s.spawning.Unlock()
	s.held.Range(func(_, v any) bool {
		v.(*session).dismiss()
		return true
	})
	s.leaders.Wait()
	s.owned.Wait()
	s.held.Clear() // what ends from now on lives on behind
	s.manager.Close()
	return left.err()
}

// leave copies what there is to copy, and gives the lease back.
func (h *session) leave(ctx context.Context, left *leftovers) {
	h.seal()
	if h.isOver() {
		if h.awaitGone(ctx) != nil {
			left.ends.Add(1)
		}
		return
	}
	if h.awaitAll(ctx) != nil {
		left.add(h)
	}
	h.call(ctx, h.writer().Release)
}

// leftovers are what Close could not bring behind.
type leftovers struct{ events, sessions, ends, finishes, updates atomic.Int64 }

func (l *leftovers) add(h *session) {
	if n := h.lag(); n > 0 {
		l.events.Add(int64(n))
		l.sessions.Add(1)
	}
	if h.finishing.Load() && !h.finished.Load() {
		l.finishes.Add(1)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.torn {
		l.updates.Add(1)
	}
}

func (l *leftovers) err() error {
	var errs []error
	for _, one := range []struct {
		n    int64
		what string
	}{
		{l.events.Load(), fmt.Sprintf("events of %d sessions are not copied", l.sessions.Load())},
		{l.ends.Load(), "sessions have ended here and not behind"},
		{l.finishes.Load(), "sessions have finished here and not behind"},
		{l.updates.Load(), "sessions may have metadata behind of an Update that has failed"},
	} {
		if one.n > 0 {
			errs = append(errs, fmt.Errorf("tiered: %d %s", one.n, one.what))
		}
	}
	return errors.Join(errs...)
}

package tiered

import (
	"context"
	"errors"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// refresh keeps the copies alive as long as their sessions are, and the other way round.
func (s *Store) refresh() {
	ticker := time.NewTicker(s.cfg.Refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.ctx.Done():
			return
		}
		s.copies.Range(func(_, c any) bool {
			s.look(c.(*copying))
			return s.ctx.Err() == nil
		})
	}
}

// look passes on that a session was used since the last look, and that it is read elsewhere or has ended there.
func (s *Store) look(c *copying) {
	c.mu.Lock()
	failed := c.failed
	c.mu.Unlock()
	if failed != nil || c.over.Load() {
		return
	}
	id := c.session.ID()
	var behind shard.Info
	err := s.call(func(ctx context.Context) (err error) {
		behind, err = s.back.Info(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, shard.ErrNotFound), err == nil && behind.Status > shard.Finished:
		c.session.Terminate()
	case err == nil:
		if behind.Attached > 0 {
			c.session.Touch()
		}
		s.call(func(ctx context.Context) error { return s.back.Touch(ctx, id) })
	}
}

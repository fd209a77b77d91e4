package tiered

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// turn is how many events of one session are copied before it is the others' turn.
const turn = 64

// copying is how far one session is copied. A worker has it, or the queue, or nobody.
type copying struct {
	session *shard.Session
	pending atomic.Bool   // there is something to do
	copied  atomic.Uint64 // sequence up to which events are copied
	over    atomic.Bool   // the session has ended

	next *copying // in the queue; guarded by its mutex, as is busy
	busy bool     // in the queue or with a worker

	cursor ring.Cursor   // the worker's, like the rest
	ahead  ring.Event    // read, and not yet copied, if its Seq is not 0
	pause  time.Duration // before the next attempt

	mu     sync.Mutex
	failed error         // why no more is copied
	moved  chan struct{} // closed when copied, failed or ended changes
	ended  bool          // behind as well
}

// begin lets a session of this process be copied.
func (s *Store) begin(session *shard.Session) {
	c := &copying{session: session, moved: make(chan struct{})}
	c.cursor, _ = session.Seek("") // if it has ended already, there is nothing to copy
	s.copies.Store(session.ID(), c)
	if session.Err() != nil && !errors.Is(session.Err(), shard.ErrFinished) {
		s.ended(session.ID())
	}
}

// ended is called when a session of this process has.
func (s *Store) ended(id string) {
	if c, ok := s.copies.Load(id); ok {
		c.(*copying).over.Store(true)
		s.queue.push(c.(*copying))
	}
}

func (c *copying) newest() uint64 { return max(c.session.Info().Log.Last, c.copied.Load()) }

// wait waits until everything up to seq is copied. It returns why it never will be, or ctx's error.
func (c *copying) wait(ctx context.Context, seq uint64) error {
	return c.until(ctx, func() (bool, error) { return c.copied.Load() >= seq || c.failed != nil, c.failed })
}

// waitEnd waits until the copy has ended too.
func (c *copying) waitEnd(ctx context.Context) error {
	return c.until(ctx, func() (bool, error) { return c.ended, nil })
}

func (c *copying) until(ctx context.Context, ok func() (bool, error)) error {
	for {
		c.mu.Lock()
		is, err := ok()
		moved := c.moved
		c.mu.Unlock()
		if is {
			return err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *copying) move(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.moved)
	c.moved = make(chan struct{})
}

// work copies, until the queue is closed.
func (s *Store) work() {
	for c := s.queue.pop(); c != nil; c = s.queue.pop() {
		err := s.copy(c)
		if err == nil {
			c.pause = 0
			s.queue.done(c)
			continue
		}
		// Whatever is wrong behind may pass. Meanwhile the worker is free for others.
		c.pause = max(10*time.Millisecond, min(2*c.pause, time.Second))
		time.AfterFunc(c.pause, func() {
			c.pending.Store(true)
			s.queue.done(c)
		})
	}
}

// copy copies what there is of a session, for one turn. An error is one that may pass.
func (s *Store) copy(c *copying) error {
	for range turn {
		if c.failed != nil {
			break
		}
		if c.ahead.Seq == 0 && !c.cursor.Next(&c.ahead) {
			c.ahead = ring.Event{}
			if gone := c.cursor.Err(); gone != nil {
				if err := s.giveUp(c, fmt.Errorf("tiered: not copied in time: %w", gone)); err != nil {
					return err
				}
			}
			break
		}
		if err := s.copyOne(c); err != nil {
			return err
		}
	}
	if c.failed == nil && c.cursor.Seq() < c.newest() {
		c.pending.Store(true)
		return nil
	}
	if !c.over.Load() {
		return nil
	}
	if c.failed == nil && s.more(c) {
		c.pending.Store(true)
		return nil
	}
	if err := s.call(func(ctx context.Context) error { return s.back.Terminate(ctx, c.session.ID()) }); err != nil {
		return err
	}
	s.copies.CompareAndDelete(c.session.ID(), c)
	c.move(func() { c.ended = true })
	return nil
}

// more looks for an event that was stored before the session ended.
func (s *Store) more(c *copying) bool {
	return c.ahead.Seq != 0 || c.cursor.Next(&c.ahead)
}

func (s *Store) copyOne(c *copying) error {
	err := s.call(func(ctx context.Context) error {
		_, err := s.back.Append(ctx, c.session.ID(), c.ahead)
		return err
	})
	switch {
	case err == nil, errors.Is(err, ring.ErrDuplicateID): // the answer to an earlier attempt was lost
		seq := c.ahead.Seq
		c.ahead = ring.Event{}
		c.move(func() { c.copied.Store(seq) })
		return nil
	case errors.Is(err, shard.ErrNotFound): // it was terminated elsewhere
		c.move(func() { c.failed = err })
		c.session.Terminate()
		return nil
	case errors.Is(err, shard.ErrFinished), errors.Is(err, ring.ErrInvalidEvent), errors.Is(err, ring.ErrEventTooLarge):
		return s.giveUp(c, fmt.Errorf("tiered: refused: %w", err))
	}
	return err
}

// giveUp ends the copy of a session that goes on here, so that nobody mistakes it for complete.
func (s *Store) giveUp(c *copying, why error) error {
	if err := s.call(func(ctx context.Context) error { return s.back.Terminate(ctx, c.session.ID()) }); err != nil {
		return err
	}
	c.move(func() { c.failed = why })
	return nil
}

func (s *Store) call(do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Timeout)
	defer cancel()
	return do(ctx)
}

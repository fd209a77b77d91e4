package tiered

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// ErrElsewhere means that another process writes the session, or wrote it.
var ErrElsewhere = errors.New("tiered: the session is written elsewhere")

// Config holds a Store's parameters. The zero Config is ready for production.
type Config struct {
	// Shard configures the sessions of this process. The Store behind must not be stricter than it, take events
	// that are 32 bytes larger (assigned IDs are an event's own there), and should have a TTL that is longer by Refresh.
	Shard shard.Config
	// Sync makes Append wait until the event is copied. If the copy fails or ctx ends first, Append returns the event together with the error: the
	// event is stored here and may have been read, and it is copied as soon as that is possible.
	Sync bool
	// Copiers is how many sessions are copied at a time; default 64.
	Copiers int
	// Refresh is how often the Store behind is told that a session is alive, and asked whether it has ended or is read elsewhere.
	// Default: a quarter of Shard.TTL, at most 1 minute.
	Refresh time.Duration
	// Timeout bounds each call to the Store behind, beside the caller's context where there is one; default 5 seconds.
	Timeout time.Duration
}

func (c Config) normalize() (Config, error) {
	if c.Copiers < 0 || c.Refresh < 0 || c.Timeout < 0 {
		return c, fmt.Errorf("tiered: Config.Copiers is %d, Refresh %v, Timeout %v: none may be negative", c.Copiers, c.Refresh, c.Timeout)
	}
	if c.Copiers == 0 {
		c.Copiers = 64
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Refresh == 0 {
		c.Refresh = time.Minute
		if ttl := c.Shard.TTL; ttl > 0 {
			c.Refresh = max(time.Millisecond, min(c.Refresh, ttl/4))
		}
	}
	return c, nil
}

// A Store is a replay.Store in two tiers. It is safe for concurrent use.
type Store struct {
	cfg     Config
	manager *shard.Manager
	front   replay.Store // of manager
	back    replay.Store
	queue   queue
	copies  sync.Map       // session ID to *copying, for sessions of this process until they have ended and been copied
	owned   sync.WaitGroup // goroutines
	ctx     context.Context
	stop    context.CancelFunc
}

var _ replay.Store = (*Store)(nil)

// New returns a Store in front of back, which stays the caller's. Close must be called.
func New(back replay.Store, cfg Config) (*Store, error) {
	if back == nil {
		return nil, errors.New("tiered: no Store behind")
	}
	cfg, err := cfg.normalize()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, back: back}
	ended := cfg.Shard.OnEnd
	cfg.Shard.OnEnd = func(info shard.Info) {
		s.ended(info.ID)
		if ended != nil {
			ended(info)
		}
	}
	if s.manager, err = shard.New(cfg.Shard); err != nil {
		return nil, err
	}
	s.front = replay.Local(s.manager)
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.queue.init()
	for range cfg.Copiers {
		s.owned.Go(s.work)
	}
	s.owned.Go(s.refresh)
	return s, nil
}

// Manager returns the sessions of this process, to read and to watch. Events that are appended and sessions that are created there are not copied.
func (s *Store) Manager() *shard.Manager { return s.manager }

// Close copies what is not yet copied, for Config.Timeout at most, and ends the sessions in this process; behind, they live on. It returns an
// error if something was left uncopied. It is idempotent.
func (s *Store) Close() error {
	err := s.flush()
	s.stop()
	s.queue.close()
	s.owned.Wait()
	s.copies.Clear() // what ends from now on lives on behind
	s.manager.Close()
	return err
}

func (s *Store) flush() error {
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Timeout)
	defer cancel()
	var left error
	s.copies.Range(func(id, c any) bool {
		if err := c.(*copying).wait(ctx, c.(*copying).newest()); err != nil && left == nil && s.ctx.Err() == nil {
			left = fmt.Errorf("tiered: not all events are copied, of session %.64q for one: %w", id, err)
		}
		return true
	})
	return left
}

// Create implements replay.Store. The session is created behind first, so that its ID is free everywhere.
func (s *Store) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	id, err := s.back.Create(ctx, id, md)
	if err != nil {
		return "", err
	}
	session, err := s.manager.CreateWithID(id, md)
	if err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
		defer cancel()
		return "", errors.Join(err, s.back.Terminate(undo, id))
	}
	s.begin(session)
	return id, nil
}

// Info implements replay.Store: of the session in this process, or else of the copy.
func (s *Store) Info(ctx context.Context, id string) (shard.Info, error) {
	if info, err := s.manager.Info(id); err == nil {
		return info, nil
	}
	return s.back.Info(ctx, id)
}

// Update implements replay.Store.
func (s *Store) Update(ctx context.Context, id string, change func(*shard.Metadata)) error {
	session, err := s.writable(ctx, id)
	if err != nil {
		return err
	}
	if err := session.Update(change); err != nil {
		return err
	}
	return s.back.Update(ctx, id, func(md *shard.Metadata) { *md = session.Info().Metadata })
}

// Touch implements replay.Store.
func (s *Store) Touch(ctx context.Context, id string) error {
	if session, err := s.manager.Get(id); err == nil {
		return session.Touch()
	} else if s.was(id) {
		return err
	}
	return s.back.Touch(ctx, id)
}

// Terminate implements replay.Store. A session of another process takes up to that one's Config.Refresh to end there, or until its next event.
func (s *Store) Terminate(ctx context.Context, id string) error {
	c, here := s.copies.Load(id)
	if err := s.manager.Terminate(id); err != nil {
		return err
	}
	if here {
		if err := c.(*copying).waitEnd(ctx); err != nil {
			return err
		}
	}
	return s.back.Terminate(ctx, id)
}

// Finish ends the writing, as shard.Session.Finish does, here and, when everything is copied, behind if the Store there has such a method too.
func (s *Store) Finish(ctx context.Context, id string) error {
	session, err := s.writable(ctx, id)
	if err != nil {
		return err
	}
	if err := session.Finish(); err != nil {
		return err
	}
	c, here := s.copies.Load(id)
	finisher, can := s.back.(interface {
		Finish(ctx context.Context, id string) error
	})
	if !here || !can {
		return nil
	}
	if err := c.(*copying).wait(ctx, c.(*copying).newest()); err != nil {
		return err
	}
	if err := finisher.Finish(ctx, id); !errors.Is(err, shard.ErrNotFound) {
		return err
	}
	return nil // it has ended there already
}

// Append implements replay.Store. Without Config.Sync it returns as soon as the event is stored in this process.
func (s *Store) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	session, err := s.writable(ctx, id)
	if err != nil {
		return ring.Event{}, err
	}
	stored, err := session.Append(e)
	if err != nil && !errors.Is(err, ring.ErrDuplicateID) {
		return stored, err
	}
	if c, ok := s.copies.Load(id); ok {
		s.queue.push(c.(*copying))
		if s.cfg.Sync {
			if failed := c.(*copying).wait(ctx, stored.Seq); failed != nil {
				return stored, failed
			}
		}
	}
	return stored, err
}

// Open implements replay.Store: of the session in this process, or else of the copy.
func (s *Store) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	if _, err := s.manager.Get(id); err == nil || s.was(id) {
		return s.front.Open(ctx, id, at)
	}
	return s.back.Open(ctx, id, at)
}

// Lag returns how many events of a session are not yet copied, 0 also when the session is not one of this process.
func (s *Store) Lag(id string) uint64 {
	if c, ok := s.copies.Load(id); ok {
		return c.(*copying).newest() - min(c.(*copying).newest(), c.(*copying).copied.Load())
	}
	return 0
}

// was reports whether a session that is not active was one of this process: the end of its copy may be due yet.
func (s *Store) was(id string) bool {
	if _, copying := s.copies.Load(id); copying {
		return true
	}
	_, err := s.manager.Info(id)
	return err == nil
}

// writable returns a session of this process, or the error that there is none, or none here.
func (s *Store) writable(ctx context.Context, id string) (*shard.Session, error) {
	session, err := s.manager.Get(id)
	if err == nil || s.was(id) {
		return session, err
	}
	info, err := s.back.Info(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case info.Status > shard.Finished:
		return nil, fmt.Errorf("%w: %.64q", shard.ErrNotFound, id)
	}
	return nil, fmt.Errorf("%w: %.64q", ErrElsewhere, id)
}

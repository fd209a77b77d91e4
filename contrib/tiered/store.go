package tiered

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/internal/mint"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A Store is a replay.Store in two tiers. It is safe for concurrent use.
type Store struct {
	cfg     Config
	manager *shard.Manager
	front   replay.Store // of manager
	back    replay.Store
	leases  replay.Leaser // back too
	calls   *turnstile

	// session ID to *session: those that this process writes, until they have ended here and behind
	held     sync.Map
	ids      mint.Minter
	arriving sync.Map      // session ID to *arrival: those that are being taken over
	closing  atomic.Bool   // set by Close, for good
	left     chan struct{} // closed just after that

	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	owned sync.WaitGroup // goroutines, of which none begins once ctx has ended; see spawn

	leaders sync.WaitGroup // calls of callers that lead, of which none begins once ctx has ended; see begin
	waiters sync.Pool      // of *waiter, for callers that are to wait

	spawning sync.RWMutex // held for writing while ctx is ended
	idle     chan func()  // goroutines that have nothing to do take from it; without a buffer
}

var (
	_ replay.Store    = (*Store)(nil)
	_ replay.Finisher = (*Store)(nil)
	_ replay.Batcher  = (*Store)(nil)
	_ replay.Creator  = (*Store)(nil)
	_ replay.Claimer  = (*Store)(nil)
	_ replay.Limiter  = (*Store)(nil)
)

// New returns a Store in front of back, a [replay.Leaser], which stays the caller's. Close must be
// called.
func New(back replay.Store, cfg Config) (*Store, error) {
	leases, ok := back.(replay.Leaser)
	if !ok {
		return nil, fmt.Errorf("tiered: %w: %T is no replay.Leaser", replay.ErrUnsupported, back)
	}
	cfg, err := cfg.normalize()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, back: back, leases: leases, left: make(chan struct{}), idle: make(chan func())}
	s.waiters.New = newWaiter
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.calls = newTurnstile(s.ctx, cfg.Timeout, cfg.Copiers)
	ended := cfg.Shard.OnEnd
	cfg.Shard.OnEnd = func(info shard.Info) {
		s.sessionEnded(info)
		if ended != nil {
			ended(info)
		}
	}
	if s.manager, err = shard.New(cfg.Shard); err != nil {
		return nil, err
	}
	s.front = replay.Local(s.manager)
	s.owned.Go(s.renewAll)
	return s, nil
}

// Manager returns the sessions of this process, to read and to watch. What is appended or created
// there is not copied.
func (s *Store) Manager() *shard.Manager { return s.manager }

// Limits are those of the sessions in this process.
func (s *Store) Limits() ring.Config {
	l, _ := replay.Limits(s.front)
	return l
}

// Lag returns how many events of a session are not yet copied; 0 also when this process does not
// write it.
func (s *Store) Lag(id string) uint64 {
	if h := s.find(id); h != nil {
		return h.lag()
	}
	return 0
}

func (s *Store) find(id string) *session {
	if v, ok := s.held.Load(id); ok {
		return v.(*session)
	}
	return nil
}

// Create implements replay.Store.
func (s *Store) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	return s.CreateWith(ctx, shard.Options{ID: id, Metadata: md})
}

// Info implements replay.Store: of the session in this process, or else of the copy.
func (s *Store) Info(ctx context.Context, id string) (shard.Info, error) {
	if info, err := s.manager.Info(id); err == nil {
		return info, nil
	}
	if v, arriving := s.arriving.Load(id); arriving && v.(*arrival).withdrawing.Load() {
		if _, err := s.here(ctx, id); err != nil {
			return shard.Info{}, err
		}
	}
	return s.infoBehind(ctx, id)
}

// behind makes a call to the Store behind.
func (s *Store) behind(ctx context.Context, do func(context.Context) error) error {
	return s.calls.through(ctx, do)
}

// Update implements replay.Store. It is made behind first: one that fails there has changed
// nothing, and if it has all the same, because only its answer was lost, that is undone.
func (s *Store) Update(ctx context.Context, id string, change func(*shard.Metadata)) error {
	if err := refuseNested(id); err != nil {
		return err
	}
	h, err := s.writable(ctx, id)
	if err != nil {
		return err
	}
	return h.update(ctx, change)
}

// Touch implements replay.Store.
func (s *Store) Touch(ctx context.Context, id string) error {
	h, err := s.here(ctx, id)
	if err != nil {
		return err
	}
	if h != nil {
		return h.front.Touch()
	}
	return s.behind(ctx, func(ctx context.Context) error { return s.back.Touch(ctx, id) })
}

// Claim implements replay.Claimer, behind: keys are exact whoever writes the session. A copy that
// is made anew has those that were claimed here, and those that were there when this process got
// the session; what others have claimed since is forgotten.
func (s *Store) Claim(ctx context.Context, id, key string) error {
	h, err := s.here(ctx, id)
	if err != nil {
		return err
	}
	if h != nil {
		return h.claim(ctx, key)
	}
	return s.behind(ctx, func(ctx context.Context) error { return replay.Claim(ctx, s.back, id, key) })
}

// Append implements replay.Store. Without Config.Sync it returns as soon as the event is stored in
// this process.
func (s *Store) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	h, err := s.writable(ctx, id)
	if err != nil {
		return ring.Event{}, err
	}
	stored, err := h.append(e)
	if err != nil && !errors.Is(err, ring.ErrDuplicateID) {
		return stored, err
	}
	if late := s.confirm(ctx, h, stored.Seq); late != nil {
		return stored, late
	}
	return stored, err
}

// AppendAll implements replay.Batcher.
func (s *Store) AppendAll(ctx context.Context, id string, es []ring.Event) ([]ring.Event, error) {
	h, err := s.writable(ctx, id)
	if err != nil {
		return nil, err
	}
	stored, err := h.appendAll(es)
	if err != nil || len(stored) == 0 {
		return stored, err
	}
	return stored, s.confirm(ctx, h, stored[len(stored)-1].Seq)
}

// confirm sees to it that everything up to seq is copied, and waits for that where it must.
func (s *Store) confirm(ctx context.Context, h *session, seq uint64) error {
	if s.cfg.Sync {
		return h.await(ctx, seq)
	}
	h.wake()
	return nil
}

// Finish implements replay.Finisher: here at once, and behind when everything is copied, for which
// it waits.
func (s *Store) Finish(ctx context.Context, id string) error {
	h, err := s.writable(ctx, id)
	if err != nil {
		return err
	}
	if err := h.front.Finish(); err != nil {
		return err
	}
	h.finishing.Store(true)
	h.wake()
	return h.awaitFinish(ctx)
}

// Terminate implements replay.Store. Events that are not yet copied go with the session. An error
// means that it has ended here, and is going to end behind; if this process does not write it, that
// it has ended or has not.
func (s *Store) Terminate(ctx context.Context, id string) error {
	h, err := s.here(ctx, id)
	if err != nil {
		return err
	}
	if h == nil {
		return s.behind(ctx, func(ctx context.Context) error { return s.back.Terminate(ctx, id) })
	}
	h.front.Terminate()
	h.over()
	return h.awaitGone(ctx)
}

// sessionEnded is OnEnd of the sessions in this process. It goes by the session itself: one that
// had the same ID before may be told of late.
func (s *Store) sessionEnded(info shard.Info) {
	if h := s.find(info.ID); h != nil && h.hasEnded() {
		h.over()
	}
}

// rest waits after the n-th failure in a row, but not long once Close has come.
func (s *Store) rest(n int) {
	const least, most = 10 * time.Millisecond, 2 * time.Second
	select {
	case <-time.After(min(least<<min(n, 8), most)):
	case <-s.left:
		select {
		case <-time.After(least):
		case <-s.ctx.Done():
		}
	}
}

package tiered

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// CreateWith implements replay.Creator. The session is created behind first, so that its ID is free
// everywhere.
func (s *Store) CreateWith(ctx context.Context, o shard.Options) (string, error) {
	if s.closing.Load() {
		return "", shard.ErrClosed
	}
	if o.TTL == 0 {
		o.TTL = s.cfg.Shard.TTL
	}
	o.Ring = o.Ring.Or(s.Limits())
	if o.ID == "" {
		o.ID = s.ids.UUID()
	}
	a, err := s.arrive(ctx, o.ID)
	if err != nil {
		return "", err
	}
	if err := s.vacate(ctx, o.ID); err != nil {
		s.arrived(o.ID, a)
		return "", err
	}
	made := creation{id: o.ID, tag: shardaccess.NewTag(), asked: time.Now()}
	made.w, err = s.createHeld(ctx, o, s.lease(made.tag))
	if err == nil {
		a.h, err = s.put(o, made.tag, made.tag, made.w, made.asked, 0, nil)
	} else if isRefusal(err) {
		s.arrived(o.ID, a)
		return "", err
	}
	if err != nil {
		s.withdraw(ctx, a, made)
		return "", err
	}
	s.arrived(o.ID, a)
	return o.ID, nil
}

// vacate waits until a session that has ended here has ended behind, too.
func (s *Store) vacate(ctx context.Context, id string) error {
	h := s.find(id)
	if h == nil {
		return nil
	}
	if !h.hasEnded() {
		return fmt.Errorf("%w: %.64q", shard.ErrExists, id)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return h.awaitGone(ctx)
}

func (s *Store) createHeld(ctx context.Context, o shard.Options, l replay.Lease) (w replay.Writer, err error) {
	o.Ring = behind(o.Ring)
	err = s.calls.through(ctx, func(ctx context.Context) (err error) {
		w, err = s.leases.CreateHeld(ctx, o, l)
		return err
	})
	return w, err
}

// idRoom is what an ID that a log assigns may have. It counts against no limit here, and as an
// event's own behind.
const idRoom = 64

// behind are the limits of the copy of a session with these limits. Zero is a Store's own limit.
func behind(c ring.Config) ring.Config {
	if c.MaxBytes != 0 {
		c.MaxBytes = min(c.MaxBytes+idRoom, ring.MaxMaxBytes)
	}
	if c.MaxEventBytes != 0 {
		c.MaxEventBytes = min(c.MaxEventBytes+idRoom, ring.MaxMaxEventBytes)
	}
	return c
}

// inFront is the other way round.
func inFront(c ring.Config) ring.Config {
	if c.MaxBytes != 0 {
		c.MaxBytes = max(c.MaxBytes-idRoom, 1)
	}
	if c.MaxEventBytes != 0 {
		c.MaxEventBytes = max(c.MaxEventBytes-idRoom, 1)
	}
	return c
}

func (s *Store) lease(tag string) replay.Lease {
	return replay.Lease{Holder: s.cfg.Holder, Term: s.cfg.Term, Note: tag}
}

// put makes a session of this process, which is whole, and known as held, before anybody can write
// to it.
func (s *Store) put(
	o shard.Options,
	tag string, // of the session
	logTag string, // of its log here
	w replay.Writer,
	asked time.Time, // for the lease
	before uint64,
	events []ring.Event,
) (*session, error) {
	restored, err := shardaccess.Restore(s.manager, o, logTag, before, events, w.Held().Claims)
	if err != nil {
		return nil, err
	}
	copied := before
	if len(events) > 0 {
		copied = events[len(events)-1].Seq
	}
	h := s.newSession(restored.(*shard.Session), tag, w, asked, copied)
	s.held.Store(o.ID, h)
	if h.hasEnded() { // before it was known as held
		h.over()
	}
	if s.closing.Load() {
		h.seal()
	}
	return h, nil
}

// An arrival is a session that is being created or taken over. Whoever else wants it waits for the
// one who does it. Neither h nor err means that it was to be created, and was not.
type arrival struct {
	done chan struct{}
	h    *session
	err  error

	withdrawing atomic.Bool // see withdraw
}

func newArrival() *arrival { return &arrival{done: make(chan struct{})} }

func (a *arrival) wait(ctx context.Context) error {
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// arrive begins the arrival of a session that is to be created, once nobody takes it over.
func (s *Store) arrive(ctx context.Context, id string) (*arrival, error) {
	a := newArrival()
	for {
		v, loaded := s.arriving.LoadOrStore(id, a)
		if !loaded {
			return a, nil
		}
		if err := v.(*arrival).wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *Store) arrived(id string, a *arrival) {
	s.arriving.CompareAndDelete(id, a)
	close(a.done)
}

// writable returns a session that this process writes, taking it over if nobody does.
func (s *Store) writable(ctx context.Context, id string) (*session, error) {
	if h := s.find(id); h != nil {
		return h, nil
	}
	if s.closing.Load() {
		return nil, shard.ErrClosed
	}
	a := newArrival()
	if v, loaded := s.arriving.LoadOrStore(id, a); loaded {
		a = v.(*arrival)
		if err := a.wait(ctx); err != nil {
			return nil, err
		}
		isOpen := a.h == nil && a.err == nil
		if isOpen || errors.Is(a.err, context.Canceled) && ctx.Err() == nil { // the other one's context
			return s.writable(ctx, id)
		}
		return a.h, a.err
	}
	defer s.arrived(id, a)
	if a.h = s.find(id); a.h == nil {
		a.h, a.err = s.takeOver(ctx, id)
	}
	return a.h, a.err
}

// here returns a session that this process writes, or nil. It waits for one that is about to, for
// Config.Timeout at most, though what it is for could be done behind. While a Create that has
// failed is withdrawn, there may be a session behind which nobody has made. And one that is taken
// over has been read: this process would not know of a key that is claimed meanwhile, and would go
// on with a session that is ended meanwhile.
func (s *Store) here(ctx context.Context, id string) (*session, error) {
	if h := s.find(id); h != nil {
		return h, nil
	}
	if v, arriving := s.arriving.Load(id); arriving {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
		if err := v.(*arrival).wait(ctx); err != nil {
			return nil, err
		}
	}
	return s.find(id), nil // it may just have arrived
}

// takeOver gets the lease of a session and loads it from behind.
func (s *Store) takeOver(ctx context.Context, id string) (*session, error) {
	var w replay.Writer
	err := s.calls.through(ctx, func(ctx context.Context) (err error) {
		w, err = s.leases.Acquire(ctx, id, s.lease(shardaccess.NewTag()))
		return err
	})
	if errors.Is(err, replay.ErrHeld) {
		return nil, fmt.Errorf("%w: %w", ErrElsewhere, err)
	}
	if err != nil {
		return nil, err
	}
	h, err := s.bring(ctx, w)
	if err != nil {
		s.spawn(func() { s.insist(s.ctx, s.cfg.Term, w.Release) }) // it runs out by itself, too
	}
	return h, err
}

// bring loads a session of which this process has got the lease.
func (s *Store) bring(ctx context.Context, w replay.Writer) (*session, error) {
	held := w.Held()
	events, err := s.load(ctx, held.Options.ID)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	if err := s.behind(ctx, w.Renew); err != nil { // loading may have taken long: is it still ours?
		return nil, err
	}
	before := held.Last
	if len(events) > 0 {
		before = events[0].Seq - 1
	}
	o := held.Options
	o.Ring = inFront(o.Ring)
	logTag := held.Note
	if !s.cfg.Sync {
		// Events may be lost that the writer before had given IDs. A log with a tag of its own
		// gives none of these again, and who has one is told that it is unknown.
		logTag = shardaccess.NewTag()
	}
	return s.put(o, held.Note, logTag, w, asked, before, events)
}

// load reads what is retained behind: nobody but this process writes there.
func (s *Store) load(ctx context.Context, id string) ([]ring.Event, error) {
	for {
		r, err := s.readBehind(ctx, id, replay.Position{All: true})
		if err != nil {
			return nil, err
		}
		events, err := replay.Drain(r)
		r.Close()
		if errors.Is(err, ring.ErrEvicted) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		return afterDuplicates(events), nil
	}
}

// afterDuplicates leaves out what comes before an ID's second use. A writer may use an ID again
// that its own log has dropped, and the Store behind not yet; what is older than that was dropped
// by the writer, too.
func afterDuplicates(events []ring.Event) []ring.Event {
	seen := make(map[string]struct{}, len(events))
	for i := len(events) - 1; i >= 0; i-- {
		if _, twice := seen[events[i].ID]; twice {
			return events[i+1:]
		}
		seen[events[i].ID] = struct{}{}
	}
	return events
}

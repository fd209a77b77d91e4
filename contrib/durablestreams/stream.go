package durablestreams

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A stream is what this process knows of one stream. It may be forgotten at any time: the log has
// it all.
type stream struct {
	id   string // the session's
	made config // what the stream was created with; never changes
	turn chan struct{}
	// The fields below are written by whoever holds turn (has sent to it).
	seq uint64 // of the newest event that state has taken in
	state
	view atomic.Pointer[view] // for whoever does not hold turn
}

// A view is the state at one moment, as far as readers want it.
type view struct {
	seq     uint64
	tail    offset
	closed  bool
	deleted bool
}

// take waits for the stream's turn.
func (s *stream) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stream) give() { <-s.turn }

func (s *stream) show() {
	s.view.Store(&view{s.seq, s.tail, s.closed, s.deleted})
}

// catchUp takes in what the log has beyond what is known. The caller holds turn.
func (s *stream) catchUp(ctx context.Context, store replay.Store, newest uint64) error {
	if newest == s.seq {
		return nil
	}
	at := replay.Position{All: true}
	if s.tail > 0 && s.seq > 0 {
		at.LastEventID = s.tail.eventID()
	}
	for tries := 0; ; tries++ {
		err := s.scan(ctx, store, at)
		if err == nil {
			s.seq = max(s.seq, newest)
			s.show()
			return nil
		}
		dropped := errors.Is(err, ring.ErrEvicted) || errors.Is(err, ring.ErrUnknownID)
		if !dropped || tries == 10 {
			return err
		}
		at.LastEventID = ""
	}
}

func (s *stream) scan(ctx context.Context, store replay.Store, at replay.Position) error {
	r, err := store.Open(ctx, s.id, at)
	if err != nil {
		return err
	}
	defer r.Close()
	var e ring.Event
	for r.Next(&e) {
		if e.Seq <= s.seq {
			continue
		}
		if err := s.add(&e); err != nil {
			return err
		}
		s.seq = e.Seq
	}
	return r.Err()
}

// store appends events and takes them in. The caller holds turn and has caught up.
func (s *stream) store(ctx context.Context, store replay.Store, events []ring.Event) error {
	stored, err := appendAll(ctx, store, s.id, events)
	if err != nil {
		return err
	}
	if stored[0].Seq != s.seq+1 { // a record of somebody else's lies between: the next request reads it
		return nil
	}
	for i := range stored {
		if err := s.add(&stored[i]); err != nil {
			return err
		}
	}
	s.seq = stored[len(stored)-1].Seq
	s.show()
	return nil
}

// appendAll is the Batcher's, or Append where there is one event: Stores have a shorter way for
// that.
func appendAll(ctx context.Context, store replay.Store, id string, events []ring.Event) ([]ring.Event, error) {
	if len(events) != 1 {
		return replay.AppendAll(ctx, store, id, events)
	}
	stored, err := store.Append(ctx, id, events[0])
	events[0] = stored
	return events, err
}

// A streamKey tells a stream from all that have or had the same URL.
type streamKey struct{ session, incarnation string }

// A registry holds the streams that this process has used lately.
type registry struct {
	mu      sync.Mutex
	streams map[streamKey]*stream
}

const maxStreams = 100_000

// known returns nil for a stream that this process has not used lately.
func (g *registry) known(id, incarnation string) *stream {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.streams[streamKey{id, incarnation}]
}

func (g *registry) get(id string, c config) *stream {
	key := streamKey{id, c.incarnation}
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.streams[key]; s != nil {
		return s
	}
	if len(g.streams) >= maxStreams { // forget some, whichever come first
		left := maxStreams / 16
		maps.DeleteFunc(g.streams, func(streamKey, *stream) bool { left--; return left >= 0 })
	}
	if g.streams == nil {
		g.streams = make(map[streamKey]*stream)
	}
	s := &stream{id: id, made: c, turn: make(chan struct{}, 1)}
	s.view.Store(new(view))
	g.streams[key] = s
	return s
}

func (g *registry) forget(id, incarnation string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.streams, streamKey{id, incarnation})
}

// A found stream is one that exists, and what the Store said of it.
type found struct {
	*stream
	config
	newest uint64 // the sequence number of the newest event
}

// find returns the stream of a session, without its state. Errors are errNotFound and those of the
// Store.
func (h *Handler) find(ctx context.Context, id string) (found, error) {
	info, err := h.Store.Info(ctx, id)
	if err != nil {
		return found{}, err
	}
	incarnation := incarnationOf(info.Metadata)
	if info.Status != shard.Active || incarnation == "" {
		return found{}, errNotFound
	}
	s := h.streams.known(id, incarnation)
	if s == nil {
		s = h.streams.get(id, configOf(info.Metadata))
	}
	c := s.made
	if c.expiresAt != "" && c.isOver(time.Now()) {
		h.streams.forget(id, c.incarnation)
		if err := h.Store.Terminate(ctx, id); err != nil {
			return found{}, err
		}
		return found{}, errNotFound
	}
	return found{s, c, info.Log.Last}, nil
}

// isReady reports whether the stream's first content is there: until it is, the stream does not
// exist yet.
func (f found) isReady() bool { return !f.marked || f.newest > 0 }

// look returns the state of a found stream.
func (h *Handler) look(ctx context.Context, f found) (*view, error) {
	if v := f.view.Load(); v.seq == f.newest {
		return v, nil
	}
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	defer f.give()
	if err := f.catchUp(ctx, h.Store, f.newest); err != nil {
		return nil, err
	}
	return f.view.Load(), nil
}

// existing returns the stream that a request is about, and its state; errSoftDeleted for one that
// only its forks may see.
func (q *request) existing() (found, *view, error) { return q.h.existing(q.r.Context(), q.id) }

func (h *Handler) existing(ctx context.Context, id string) (found, *view, error) {
	f, err := h.find(ctx, id)
	if err != nil {
		return found{}, nil, err
	}
	if !f.isReady() {
		return found{}, nil, errNotFound
	}
	v, err := h.look(ctx, f)
	if err != nil {
		return found{}, nil, err
	}
	if !v.deleted {
		return f, v, nil
	}
	lives, err := h.hasForks(ctx, f)
	switch {
	case err != nil:
		return found{}, nil, err
	case lives:
		return found{}, nil, errSoftDeleted
	}
	if err := h.remove(ctx, f); err != nil {
		return found{}, nil, err
	}
	return found{}, nil, errNotFound
}

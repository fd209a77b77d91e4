package gosdk

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/internal/lru"
	"github.com/reprise-go/reprise/internal/mcpstore"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

const (
	buried    = 1 << 16 // ended sessions whose IDs are remembered as such, 32 bytes each
	perSweep  = 2       // sessions looked at for each one created
	creations = 16      // creations that run side by side
)

// registry holds the adapter's sessions and makes sure that each is created once and released when
// it ends.
//
// A session ends through SessionClosed, or in the Store by expiry or termination. The latter two
// tell the adapter nothing, so a session is released when any call meets its end, and each creation
// looks at the two sessions that have not been looked at for longest: what has ended unseen stays
// in proportion to what lives, and needs neither a timer nor a goroutine.
//
// An ID never lives twice. The SDK may open a stream of a session that a concurrent DELETE has
// closed, as late as the request's body takes to arrive; ended IDs are therefore remembered, the
// newest 65,536, beside what the Store remembers while they linger. The exception is "", which is
// no session of anybody: it is created anew as often as needed.
type registry struct {
	store   replay.Store
	cfg     Config
	lost    atomic.Uint64 // events that the Store has refused
	seed    maphash.Seed
	limit   uint32   // of each session's table
	byKey   sync.Map // string → *session
	creator [creations]sync.Mutex

	mu    sync.Mutex // guards what follows; never held across a call of the Store
	turns list.List  // of *session, in the order in which sweep looks at them
	ended lru.Table
}

func newRegistry(store replay.Store, cfg Config) *registry {
	return &registry{
		store: store,
		cfg:   cfg,
		seed:  maphash.MakeSeed(),
		limit: MaxStreams,
		ended: lru.Table{Limit: buried},
	}
}

func (r *registry) hash(s string) uint64 { return maphash.String(r.seed, s) }

// get returns the session that the adapter knows by key, or nil.
func (r *registry) get(key string) *session {
	s, _ := r.byKey.Load(key)
	known, _ := s.(*session)
	return known
}

// obtain returns the living session of key and makes it when there has been none.
func (r *registry) obtain(ctx context.Context, key string) (*session, error) {
	if s, err := r.living(ctx, key); s != nil || err != nil {
		return s, err
	}
	s, err := r.make(ctx, key)
	if err == nil {
		r.sweep(ctx)
	}
	return s, err
}

// make is obtain for one caller at a time.
func (r *registry) make(ctx context.Context, key string) (*session, error) {
	creator := &r.creator[r.hash(key)%creations]
	creator.Lock()
	defer creator.Unlock()
	if s, err := r.living(ctx, key); s != nil || err != nil {
		return s, err
	}
	if r.isBuried(key) {
		return nil, unknownSession(key)
	}
	id, err := r.create(ctx, key)
	if err != nil {
		return nil, err
	}
	s := &session{key: key, id: id, streams: lru.Table{Limit: r.limit}}
	if exchangeOf(ctx) != nil {
		s.first = 1 // so that there is a place before the first event
	}
	r.enter(s)
	// SessionClosed buries the ID before it terminates the session: either it terminated what was
	// created above, or this sees it buried.
	if r.isBuried(key) {
		r.release(s)
		return nil, errors.Join(unknownSession(key), terminate(ctx, r.store, id))
	}
	return s, nil
}

// living returns the known session of key after touching it in the Store; nil, nil when there is
// none. A session called "" that has ended counts as none.
func (r *registry) living(ctx context.Context, key string) (*session, error) {
	s := r.get(key)
	if s == nil {
		return nil, nil
	}
	err := r.check(s, r.store.Touch(ctx, s.id))
	if err == nil {
		return s, nil
	}
	if key == "" && gone(err) {
		return nil, nil
	}
	return nil, err
}

// create makes the session in the Store, with what the Endpoint has found out about it, and returns
// its ID there.
func (r *registry) create(ctx context.Context, key string) (string, error) {
	md := shard.Metadata{Transport: "http"}
	x := exchangeOf(ctx)
	if x != nil {
		md.Principal, md.ClientInfo = x.principal, x.clientInfo
	}
	id, err := mcpstore.Create(ctx, r.store, r.cfg.MaxEventBytes, key, md)
	switch {
	case errors.Is(err, shard.ErrExists):
		id, err = key, r.adopt(ctx, key, md.Principal, x != nil)
	case err != nil:
		err = fmt.Errorf("gosdk: creating session %.64q: %w", key, err)
	}
	if err != nil || x == nil {
		return id, err
	}
	return id, r.claim(ctx, id, x.claims)
}

// claim claims what belongs to a new session, or ends it.
func (r *registry) claim(ctx context.Context, id string, keys []string) error {
	for _, key := range keys {
		err := replay.Claim(ctx, r.store, id, key)
		if errors.Is(err, replay.ErrUnsupported) && key == claimInitialize {
			continue // that a session has begun will do
		}
		if err != nil {
			return errors.Join(fmt.Errorf("gosdk: session %.64q: %w", id, err), terminate(ctx, r.store, id))
		}
	}
	return nil
}

// adopt accepts a session that the application made under this ID, unless it has ended, is somebody
// else's, or holds events already: their numbering is unknown.
func (r *registry) adopt(ctx context.Context, key, principal string, bound bool) error {
	var err error
	if bound {
		err = replay.Authorize(ctx, r.store, key, principal)
	}
	if err != nil {
		return fmt.Errorf("gosdk: session %.64q: %w", key, err)
	}
	info, err := r.store.Info(ctx, key)
	switch {
	case err != nil:
		return fmt.Errorf("gosdk: session %.64q: %w", key, err)
	case info.Status != shard.Active:
		return unknownSession(key)
	case info.Log.Last != 0:
		return fmt.Errorf(
			"gosdk: session %.64q has %d events that this store did not number: %w",
			key,
			info.Log.Last,
			shard.ErrExists,
		)
	}
	return nil
}

func (r *registry) enter(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.turn = r.turns.PushBack(s)
	r.byKey.Store(s.key, s)
}

// release forgets a session's streams; its ID stays remembered as ended. It is idempotent.
func (r *registry) release(s *session) {
	r.bury(s.key)
	s.end(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byKey.CompareAndDelete(s.key, s) {
		r.turns.Remove(s.turn)
	}
}

// check releases the session when err says that it has ended, and wraps err.
func (r *registry) check(s *session, err error) error {
	if err == nil {
		return nil
	}
	if gone(err) {
		r.release(s)
	}
	return fmt.Errorf("gosdk: session %.64q: %w", s.key, err)
}

// sweep releases those of the next few sessions that have ended in the Store.
func (r *registry) sweep(ctx context.Context) {
	for range perSweep {
		s := r.nextTurn()
		if s == nil {
			return
		}
		info, err := r.store.Info(ctx, s.id)
		if gone(err) || err == nil && (info.Status == shard.Terminated || info.Status == shard.Expired) {
			r.release(s)
		}
	}
}

// nextTurn returns the session that has waited longest for sweep, nil when there is none.
func (r *registry) nextTurn() *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	longest := r.turns.Front()
	if longest == nil {
		return nil
	}
	r.turns.MoveToBack(longest)
	return longest.Value.(*session)
}

// bury remembers that a session has ended.
func (r *registry) bury(key string) {
	if key == "" {
		return
	}
	hash := r.hash(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.ended.Get(hash); !known { // the order is that of their ends
		r.ended.Set(hash, 0)
	}
}

func (r *registry) isBuried(key string) bool {
	hash := r.hash(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ended := r.ended.Get(hash)
	return key != "" && ended
}

// gone reports whether err says that a session has ended, and not that the Store cannot tell.
func gone(err error) bool {
	return errors.Is(err, shard.ErrNotFound) || errors.Is(err, shard.ErrClosed)
}

func unknownSession(key string) error {
	return fmt.Errorf("gosdk: session %.64q: %w", key, shard.ErrNotFound)
}

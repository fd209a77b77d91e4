package redis

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
)

// A Store keeps sessions in Redis. It is safe for concurrent use. Every method is one round trip,
// except as it says.
//
// All methods honour their context and Config.Timeout, whichever ends first. While Redis cannot be
// reached they try again, with growing pauses, until then, and return [ErrUnavailable]; as soon as
// it can be reached again everything works as before. A server that is out of memory refuses
// appends and new sessions with shard.ErrOverBudget; sessions can still be read and ended.
type Store struct {
	client  rueidis.Client
	cfg     Config // with defaults
	head    string // of cfg, for the scripts; see settings
	buckets *buckets
	scripts scripts
	hub     hub
	staying sync.Map // session IDs of which the registry is being told that they live on
	closed  atomic.Bool
}

var (
	_ replay.Store    = (*Store)(nil)
	_ replay.Finisher = (*Store)(nil)
	_ replay.Batcher  = (*Store)(nil)
	_ replay.Creator  = (*Store)(nil)
	_ replay.Claimer  = (*Store)(nil)
	_ replay.Leaser   = (*Store)(nil)
	_ replay.Limiter  = (*Store)(nil)

	_ replay.Positioner = (*reader)(nil)
	_ replay.GapSkipper = (*reader)(nil)
)

// New returns a Store on client, which stays the caller's. The error names the field of cfg that is
// wrong, and its value. New does not talk to Redis.
func New(client rueidis.Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redis: no client")
	}
	cfg, err := cfg.normalize()
	if err != nil {
		return nil, err
	}
	s := &Store{
		client: client, cfg: cfg, head: settings(cfg), buckets: newBuckets(cfg.Prefix), scripts: newScripts(),
	}
	s.hub.init(s)
	return s, nil
}

// Close ends the readers that this Store has opened, with shard.ErrClosed, and the goroutines that
// serve them; they must still be closed. Later calls return shard.ErrClosed. Sessions live on in
// Redis. It does not close the client. It is idempotent.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.hub.close()
	return nil
}

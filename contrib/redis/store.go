package redis

import (
	"errors"
	"sync/atomic"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// A Store keeps sessions in Redis. It is safe for concurrent use. Every method is one round trip, except as it says.
//
// All methods honour their context and Config.Timeout, whichever ends first. While Redis cannot be reached they try again, with
// growing pauses, until then, and return [ErrUnavailable]; as soon as it can be reached again everything works as before. A server
// that is out of memory refuses appends and new sessions with shard.ErrOverBudget; sessions can still be read and ended.
type Store struct {
	client  rueidis.Client
	cfg     Config // with defaults
	limits  string // of cfg, for the scripts
	buckets *buckets
	scripts scripts
	rules   *ring.Ring // see check
	hub     hub
	closed  atomic.Bool
}

var _ replay.Store = (*Store)(nil)

// New returns a Store on client, which stays the caller's. The error names the field of cfg that is wrong, and its value. New does not
// talk to Redis.
func New(client rueidis.Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redis: no client")
	}
	cfg, err := cfg.normalize()
	if err != nil {
		return nil, err
	}
	rules, err := ring.New(ring.Config{MaxEvents: 1})
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, cfg: cfg, limits: limits(cfg), buckets: newBuckets(cfg.Prefix), scripts: newScripts(), rules: rules}
	s.hub.init(s)
	return s, nil
}

// Close ends the readers that this Store has opened, with shard.ErrClosed, and the goroutines that serve them; they must still be closed. Later
// calls return shard.ErrClosed. Sessions live on in Redis. It does not close the client. It is idempotent.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.hub.close()
	return nil
}

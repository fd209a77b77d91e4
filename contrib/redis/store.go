package redis

import (
	"context"
	"errors"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A Store keeps sessions in Redis. It is safe for concurrent use.
type Store struct {
	client rueidis.Client
	cfg    Config // with defaults
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
	return &Store{client: client, cfg: cfg}, nil
}

// Close ends the readers that this Store has opened; later calls return shard.ErrClosed. Sessions live on in Redis. It does not close the client.
func (s *Store) Close() error { return nil }

// Create implements replay.Store.
func (s *Store) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	return "", ErrUnavailable
}

// Info implements replay.Store.
func (s *Store) Info(ctx context.Context, id string) (shard.Info, error) {
	return shard.Info{}, ErrUnavailable
}

// Update implements replay.Store.
func (s *Store) Update(ctx context.Context, id string, change func(*shard.Metadata)) error {
	return ErrUnavailable
}

// Touch implements replay.Store.
func (s *Store) Touch(ctx context.Context, id string) error { return ErrUnavailable }

// Terminate implements replay.Store.
func (s *Store) Terminate(ctx context.Context, id string) error { return ErrUnavailable }

// Finish ends the writing, as shard.Session.Finish does.
func (s *Store) Finish(ctx context.Context, id string) error { return ErrUnavailable }

// Authorize tells whether the session is principal's, and then touches it, as shard.Manager.Authorize does.
func (s *Store) Authorize(ctx context.Context, id, principal string) error { return ErrUnavailable }

// Append implements replay.Store.
func (s *Store) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	return ring.Event{}, ErrUnavailable
}

// Open implements replay.Store.
func (s *Store) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	return nil, ErrUnavailable
}

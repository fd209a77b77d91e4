package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/reprise-go/reprise/shard"
)

// Create implements replay.Store; an empty id asks for a version 4 UUID. Where the number of
// sessions is limited it takes a round trip more for each limit, one more with an ID of the
// caller's, and when a limit is reached some to find out which sessions have ended.
//
// A limit is never exceeded: a session has its place in the registry before it begins and until it
// was seen to have ended. If a process dies within Create, a place may stay taken without need, for
// 10 seconds at most. A server that loses places which it had confirmed, or a registry that cannot
// be reached for half a TTL while sessions can, admits as many sessions more, until these are
// active again.
func (s *Store) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	return s.CreateWith(ctx, shard.Options{ID: id, Metadata: md})
}

// CreateWith implements replay.Creator. A TTL is in whole milliseconds. Limits of the session's own
// may be above or below those of Config.
func (s *Store) CreateWith(ctx context.Context, o shard.Options) (string, error) {
	b, err := s.birth(o)
	if err != nil {
		return "", err
	}
	return b.o.ID, s.create(ctx, b)
}

// A birth is a session that is to be created.
type birth struct {
	o        shard.Options // with an ID, and what is the Store's filled in
	chosen   bool          // the ID is the caller's
	tag      string
	metadata string
	hold     []string // holder, term and note, and claimed keys, for create.lua
}

// birth checks what a session is to be like.
func (s *Store) birth(o shard.Options) (*birth, error) {
	b := &birth{o: o, chosen: o.ID != "", tag: randomText(tagLen), hold: []string{"", "", ""}}
	if b.chosen && !validID(o.ID) {
		return nil, fmt.Errorf("%w: %.64q, want 1 to 128 bytes of 0x21 to 0x7E", shard.ErrInvalidID, o.ID)
	}
	var err error
	if b.o.Ring, err = o.Ring.Or(s.cfg.Ring).Complete(); err != nil {
		return nil, fmt.Errorf("redis: Options.Ring: %w", err)
	}
	switch {
	case o.TTL < 0 || o.TTL > never:
		b.o.TTL = never
	case o.TTL == 0:
		b.o.TTL = s.cfg.TTL
	case o.TTL < time.Millisecond:
		return nil, fmt.Errorf("redis: Options.TTL is %v, want 0 (default), negative or at least 1ms", o.TTL)
	}
	if b.metadata, err = encodeMetadata(o.Metadata); err != nil {
		return nil, err
	}
	if !b.chosen {
		u, err := uuid.NewRandom()
		if err != nil {
			return nil, fmt.Errorf("redis: session ID: %w", err)
		}
		b.o.ID = u.String()
	}
	return b, nil
}

func (s *Store) create(ctx context.Context, b *birth) error {
	if s.closed.Load() {
		return shard.ErrClosed
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	for wait := (backoff{}); ; {
		err := s.createOnce(ctx, b)
		if !errors.Is(err, errConflict) {
			return err
		}
		if !wait.pause(ctx) {
			return failure(
				ctx, errors.New("the place was due before the session was there; are the servers' clocks apart?"),
			)
		}
	}
}

func (s *Store) createOnce(ctx context.Context, b *birth) error {
	p := &place{member: b.tag + b.o.ID, sets: s.sets(b.o.Principal)}
	until, life := "0", "0"
	if len(p.sets) > 0 {
		if b.chosen { // an ID that is taken comes before a limit, and takes no place
			info, err := s.Info(ctx, b.o.ID)
			switch {
			case err == nil && info.Status == shard.Expired && b.hold[2] != "":
				// Perhaps its own writer goes on with it: the script looks at the note.
			case err == nil:
				return refusal(codeExists, b.o.ID)
			case !errors.Is(err, shard.ErrNotFound):
				return err
			}
		}
		if err := s.reserve(ctx, p, b.o.TTL); err != nil {
			return err
		}
		until = p.until()
		life = strconv.FormatInt((s.life(b.o.TTL) - s.grace()).Milliseconds(), 10)
	}
	r := b.o.Ring
	args := []string{
		s.head, b.tag, b.metadata, b.o.Principal, until, life, strconv.FormatInt(b.o.TTL.Milliseconds(), 10),
		strconv.Itoa(r.MaxEvents), strconv.Itoa(r.MaxBytes), strconv.Itoa(r.MaxEventBytes),
		strconv.Itoa(r.MaxIDBytes), flag(r.StrictIDs),
	}
	err := s.do(ctx, s.scripts.create, b.o.ID, append(args, b.hold...))
	if err != nil && !uncertain(err) {
		s.vacate(ctx, p)
	}
	return err
}

// flag is how the scripts want what is so or not.
func flag(is bool) string {
	if is {
		return "1"
	}
	return "0"
}

// uncertain reports whether a call that failed so may have taken effect, or may yet.
func uncertain(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded)
}

package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/reprise-go/reprise/internal/callers"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Info implements replay.Store. Times are the server's, in milliseconds. Attached is exact, except
// that after the server has dropped a session's leases, and them alone, it counts a reader again
// within a third of Config.Lease.
func (s *Store) Info(ctx context.Context, id string) (shard.Info, error) {
	info, _, err := s.describe(ctx, id)
	return info, err
}

// describe is Info, and the metadata as it is stored.
func (s *Store) describe(ctx context.Context, id string) (info shard.Info, stored string, err error) {
	if !validID(id) {
		return info, "", refusal(codeNotFound, id)
	}
	list, err := s.list(ctx, s.scripts.info, id, []string{s.head})
	if err != nil {
		return info, "", err
	}
	if len(list) != 9 {
		return info, "", unexpected(len(list))
	}
	stored = text(list[7])
	if info.Metadata, err = decodeMetadata(stored); err != nil {
		return info, "", err
	}
	info.ID, info.Principal = id, text(list[8])
	info.Status = shard.Status(number(list[0]))
	info.Created, info.LastActivity = time.UnixMilli(number(list[1])), time.UnixMilli(number(list[2]))
	info.Attached = int(number(list[6]))
	if seq, first := uint64(number(list[3])), uint64(number(list[4])); info.Status <= shard.Finished {
		info.Log = ring.Stats{
			Events: int(seq + 1 - first), Bytes: number(list[5]), First: first, Last: seq, Evicted: first - 1,
		}
		if seq < first {
			info.Log.First = 0
		}
	}
	return info, stored, nil
}

// Update implements replay.Store. It takes two round trips, and two more whenever another update
// comes between, for which it pauses. An Update inside change is shard.ErrNestedUpdate.
func (s *Store) Update(ctx context.Context, id string, change func(*shard.Metadata)) error {
	return s.update(ctx, id, change, "")
}

func (s *Store) update(ctx context.Context, id string, change func(*shard.Metadata), fence string) error {
	if callers.Include(callers.Entry(apply)) {
		return about(shard.ErrNestedUpdate, id)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	for wait := (backoff{}); ; {
		err := s.updateOnce(ctx, id, change, fence)
		if !errors.Is(err, errConflict) {
			return err
		}
		if !wait.pause(ctx) {
			return failure(ctx, errors.New("others kept changing the metadata"))
		}
	}
}

func (s *Store) updateOnce(ctx context.Context, id string, change func(*shard.Metadata), fence string) error {
	info, before, err := s.describe(ctx, id)
	if err != nil {
		return err
	}
	if info.Status > shard.Finished {
		return refusal(codeNotFound, id)
	}
	principal := info.Principal
	if change != nil {
		apply(change, &info.Metadata)
	}
	if info.Principal != principal {
		return refusal(codeWrongPrincipal, id)
	}
	after, err := encodeMetadata(info.Metadata)
	if err != nil {
		return err
	}
	return s.do(ctx, s.scripts.update, id, []string{s.head, before, after, fence})
}

// apply is how every change is called, so that an Update inside it is told from others.
//
//go:noinline
func apply(change func(*shard.Metadata), md *shard.Metadata) { change(md) }

// Touch implements replay.Store.
func (s *Store) Touch(ctx context.Context, id string) error { return s.touch(ctx, id, s.head) }

// Authorize is for a request that comes in the name of principal, "" for nobody's: it returns
// shard.ErrPrincipal when the session belongs to somebody else, or to nobody when principal is
// somebody, and otherwise counts as activity. The errors of Touch apply too.
func (s *Store) Authorize(ctx context.Context, id, principal string) error {
	return s.touch(ctx, id, s.head, principal)
}

func (s *Store) touch(ctx context.Context, id string, args ...string) error {
	if !validID(id) {
		return refusal(codeNotFound, id)
	}
	list, err := s.list(ctx, s.scripts.touch, id, args)
	if err == nil && len(list) == 2 {
		s.hinted(id, number(list[1]))
	}
	return err
}

// Claim implements replay.Claimer. Claims go with the index of event IDs: where the server drops
// that, the session has ended, so that no key is ever claimed twice.
func (s *Store) Claim(ctx context.Context, id, key string) error {
	if !validID(id) {
		return refusal(codeNotFound, id)
	}
	sent := key
	if !isClaimKey(key) {
		sent = "" // the script refuses it, after what is wrong with the session
	}
	err := s.do(ctx, s.scripts.claim, id, []string{s.head, sent, strconv.Itoa(s.cfg.MaxClaims), randomText(tagLen)})
	if errors.Is(err, shard.ErrInvalidClaim) {
		err = fmt.Errorf(
			"%w: %.64q has %d bytes, want 1 to %d of UTF-8", shard.ErrInvalidClaim, key, len(key),
			shard.MaxClaimBytes,
		)
	}
	return err
}

func isClaimKey(key string) bool {
	return len(key) > 0 && len(key) <= shard.MaxClaimBytes && utf8.ValidString(key)
}

// Limits implements replay.Limiter.
func (s *Store) Limits() ring.Config { return s.cfg.Ring }

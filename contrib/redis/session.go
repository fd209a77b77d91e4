package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Info implements replay.Store. Times are the server's, in milliseconds.
func (s *Store) Info(ctx context.Context, id string) (shard.Info, error) {
	info, _, err := s.describe(ctx, id)
	return info, err
}

// describe is Info, and the metadata as it is stored.
func (s *Store) describe(ctx context.Context, id string) (info shard.Info, stored string, err error) {
	if !validID(id) {
		return info, "", refusal(1, id)
	}
	list, err := s.list(ctx, s.scripts.info, id, s.buckets.keys(id), []string{s.limits})
	if err != nil {
		return info, "", err
	}
	if len(list) != 9 {
		return info, "", fmt.Errorf("%w: unexpected answer of %d parts", ErrUnavailable, len(list))
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
		info.Log = ring.Stats{Events: int(seq + 1 - first), Bytes: number(list[5]), First: first, Last: seq, Evicted: first - 1}
		if seq < first {
			info.Log.First = 0
		}
	}
	return info, stored, nil
}

// Update implements replay.Store. It takes two round trips, and two more whenever another update comes between.
func (s *Store) Update(ctx context.Context, id string, change func(*shard.Metadata)) error {
	for {
		info, before, err := s.describe(ctx, id)
		if err != nil {
			return err
		}
		if info.Status > shard.Finished {
			return refusal(1, id)
		}
		principal := info.Principal
		if change != nil {
			change(&info.Metadata)
		}
		if info.Principal != principal {
			return about(shard.ErrPrincipal, id)
		}
		after, err := encodeMetadata(info.Metadata)
		if err != nil {
			return err
		}
		err = s.do(ctx, s.scripts.update, id, s.buckets.keys(id)[:3], []string{s.limits, before, after})
		if !errors.Is(err, errConflict) {
			return err
		}
	}
}

// Touch implements replay.Store.
func (s *Store) Touch(ctx context.Context, id string) error {
	_, err := s.touch(ctx, id, nil, false)
	return err
}

// Authorize is for a request that comes in the name of principal, "" for nobody's: it returns shard.ErrPrincipal when the session belongs to
// somebody else, or to nobody when principal is somebody, and otherwise counts as activity. The errors of Touch apply too.
func (s *Store) Authorize(ctx context.Context, id, principal string) error {
	_, err := s.touch(ctx, id, &principal, false)
	return err
}

// touch records activity. A finished session is an error only if it is to be active.
func (s *Store) touch(ctx context.Context, id string, principal *string, active bool) (shard.Status, error) {
	if !validID(id) {
		return 0, refusal(1, id)
	}
	args := []string{s.limits}
	if principal != nil {
		args = append(args, *principal)
	}
	list, err := s.list(ctx, s.scripts.touch, id, s.buckets.keys(id)[:3], args)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	status := shard.Status(number(list[0]))
	if active && status == shard.Finished {
		return status, refusal(2, id)
	}
	return status, nil
}

// Finish ends the writing: Append returns shard.ErrFinished from now on, readers get what is left and then shard.ErrFinished. The session ends
// Config.Linger later, or when it is terminated before. Finishing a finished session does nothing. It takes two round trips
// where the number of sessions is limited.
func (s *Store) Finish(ctx context.Context, id string) error { return s.end(ctx, id, shard.Finished) }

// Terminate implements replay.Store. It takes two round trips where the number of sessions is limited.
func (s *Store) Terminate(ctx context.Context, id string) error {
	if err := s.end(ctx, id, shard.Terminated); !errors.Is(err, shard.ErrNotFound) {
		return err
	}
	return nil
}

func (s *Store) end(ctx context.Context, id string, to shard.Status) error {
	if !validID(id) {
		return refusal(1, id)
	}
	m, err := s.run(ctx, s.scripts.end, s.buckets.keys(id), []string{s.limits, id, fmt.Sprint(uint8(to))}, nil)
	if err != nil {
		return err
	}
	if m.IsInt64() {
		return refusal(number(m), id)
	}
	return s.review(ctx, id, text(m))
}

// wireMetadata is how metadata is stored, but for the principal, which has a field of its own.
type wireMetadata struct {
	Transport  string         `json:"transport,omitempty"`
	ClientInfo map[string]any `json:"clientInfo"`
}

// encodeMetadata returns md as JSON: what ClientInfo holds comes back as encoding/json decodes it, numbers as float64.
func encodeMetadata(md shard.Metadata) (string, error) {
	b, err := json.Marshal(wireMetadata{md.Transport, md.ClientInfo})
	if err != nil {
		return "", fmt.Errorf("redis: Metadata.ClientInfo: %w", err)
	}
	if n := len(b) + len(md.Principal); n > shard.MaxMetadataBytes {
		return "", fmt.Errorf("%w: %d bytes as JSON, at most %d", shard.ErrMetadataTooLarge, n, shard.MaxMetadataBytes)
	}
	return string(b), nil
}

func decodeMetadata(stored string) (md shard.Metadata, err error) {
	var w wireMetadata
	if err := json.Unmarshal([]byte(stored), &w); err != nil {
		return md, fmt.Errorf("%w: metadata: %w", ErrUnavailable, err)
	}
	return shard.Metadata{Transport: w.Transport, ClientInfo: w.ClientInfo}, nil
}

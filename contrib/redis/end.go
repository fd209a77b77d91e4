package redis

import (
	"context"
	"errors"
	"strconv"

	"github.com/reprise-go/reprise/shard"
)

// Finish implements replay.Finisher: Append returns shard.ErrFinished from now on, readers get what
// is left and then shard.ErrFinished. The session ends Config.Linger later, or when it is
// terminated before. Finishing a finished session does nothing. It takes a round trip more for each
// limit on the number of sessions.
func (s *Store) Finish(ctx context.Context, id string) error {
	return s.end(ctx, id, shard.Finished, "")
}

// Terminate implements replay.Store. It takes a round trip more for each limit on the number of
// sessions.
func (s *Store) Terminate(ctx context.Context, id string) error {
	if err := s.end(ctx, id, shard.Terminated, ""); !errors.Is(err, shard.ErrNotFound) {
		return err
	}
	return nil
}

func (s *Store) end(ctx context.Context, id string, to shard.Status, fence string) error {
	if !validID(id) {
		return refusal(codeNotFound, id)
	}
	m, err := s.run(ctx, s.scripts.end, id, []string{s.head, strconv.Itoa(int(to)), fence}, nil)
	if err != nil {
		return err
	}
	answer := text(m)
	if len(answer) < tagLen {
		return unexpected(1)
	}
	return s.release(ctx, answer[:tagLen]+id, answer[tagLen:], to == shard.Terminated)
}

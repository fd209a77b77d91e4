package gosdk

import (
	"context"
	"log/slog"

	"github.com/reprise-go/reprise/internal/jsonrpc"
	"github.com/reprise-go/reprise/internal/mcpstore"
)

// DefaultMaxEventBytes is how large an event may be in sessions that an [EventStore] creates,
// unless it is told otherwise: a tool's result with an image in it fits.
const DefaultMaxEventBytes = mcpstore.DefaultMaxEventBytes // 16 MiB

// A Config is what an [EventStore] does differently from the default. The zero Config is ready for
// use.
type Config struct {
	// MaxEventBytes is how large an event of a session may be; a session's MaxBytes
	// (shard.Config.Ring, 8 MiB by default) bounds it too. Negative: as the Store has it. Default:
	// as the Store has it if that is not what package ring has by default, and
	// [DefaultMaxEventBytes] otherwise. A Store that does not tell (replay.Limits) counts as having
	// the default; one that cannot create sessions with limits of their own (replay.CreateWith)
	// keeps its own.
	MaxEventBytes int

	// Logger is told (Warn) of each event that the Store refuses. Default: silent.
	Logger *slog.Logger
}

// Stats is what an [EventStore] has counted since it was made.
type Stats struct {
	Refused uint64 // events that the Store has refused, for their size or for any other reason but the session's end
}

// Stats returns what has been counted so far. It costs nothing.
func (es *EventStore) Stats() Stats { return Stats{Refused: es.lost.Load()} }

// refuse counts and logs an event that the Store has refused, and puts something in its place.
func (r *registry) refuse(ctx context.Context, s *session, l lost, err error) {
	r.lost.Add(1)
	if r.cfg.Logger != nil {
		r.cfg.Logger.LogAttrs(
			ctx,
			slog.LevelWarn,
			"gosdk: an event was refused and cannot be replayed",
			slog.String(
				"session",
				s.key,
			),
			slog.Uint64("index", l.index),
			slog.Int("bytes", len(l.data)),
			slog.Any("error", err),
		)
	}
	l.data = jsonrpc.Lost(l.data, mcpstore.Reason(err))
	s.lose(l)
}

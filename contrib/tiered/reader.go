package tiered

import (
	"context"
	"errors"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// openFront opens the session in this process. With Config.Sync its readers see an event once it is
// behind, so that none has one that is lost with this process.
func (s *Store) openFront(ctx context.Context, h *session, at replay.Position) (replay.Reader, error) {
	at = h.here(at)
	if !s.cfg.Sync {
		return s.front.Open(ctx, h.id, at)
	}
	if at.LastEventID == "" && at.Live {
		all := at.All || len(at.Streams) == 0
		at = replay.Position{LastEventID: h.front.PositionID(h.copied.Load()), All: all, Streams: at.Streams}
	}
	r, err := s.front.Open(ctx, h.id, at)
	if err != nil {
		return nil, err
	}
	return &confirmedReader{Reader: r, h: h}, nil
}

// A confirmedReader is a Reader that waits for each event to be behind, unless the session has
// ended. What never will be behind, because another process writes the session now, it leaves out.
// Its fields belong to the goroutine that uses it.
type confirmedReader struct {
	replay.Reader
	h       *session
	ahead   ring.Event // read and not yet behind
	isAhead bool
}

// Next implements replay.Reader.
func (r *confirmedReader) Next(e *ring.Event) bool {
	for r.isAhead || r.Reader.Next(&r.ahead) {
		r.isAhead = r.ahead.Seq > r.h.copied.Load() && !r.h.isOver()
		if !r.isAhead {
			*e, r.ahead = r.ahead, ring.Event{}
			return true
		}
		if !r.h.isGone() && r.h.store.ctx.Err() == nil {
			return false
		}
		r.drop()
	}
	return false
}

func (r *confirmedReader) drop() { r.ahead, r.isAhead = ring.Event{}, false }

// Err implements replay.Reader.
func (r *confirmedReader) Err() error {
	if r.isAhead {
		return nil
	}
	return r.Reader.Err()
}

// Wait implements replay.Reader.
func (r *confirmedReader) Wait(ctx context.Context) error {
	for !r.isAhead {
		if r.isAhead = r.Reader.Next(&r.ahead); r.isAhead {
			break
		}
		if r.Reader.Err() != nil {
			return nil
		}
		if err := r.Reader.Wait(ctx); err != nil {
			return err
		}
	}
	err := r.h.until(ctx, func() (bool, error) {
		return r.h.copied.Load() >= r.ahead.Seq || r.h.gone || r.h.isOver(), nil
	})
	if errors.Is(err, shard.ErrClosed) {
		return nil // Next goes on to the end
	}
	return err
}

// Close implements replay.Reader.
func (r *confirmedReader) Close() {
	r.drop()
	r.Reader.Close()
}

// PositionID implements replay.Positioner.
func (r *confirmedReader) PositionID() string {
	if r.isAhead {
		return r.h.front.PositionID(r.ahead.Seq - 1)
	}
	return r.Reader.(replay.Positioner).PositionID()
}

// SkipGap implements replay.GapSkipper.
func (r *confirmedReader) SkipGap() (first uint64, err error) {
	r.drop()
	return r.Reader.(replay.GapSkipper).SkipGap()
}

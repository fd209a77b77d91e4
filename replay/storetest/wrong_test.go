package storetest

import (
	"context"
	"errors"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// wrong is a Reader with one of these mistakes.
type wrong struct {
	replay.Reader
	ctx  context.Context
	next replay.Store
	id   string
	at   replay.Position

	skipsGaps, repeats, loses, sleeps, lazy, nervous, hasty bool

	read   int
	waited bool
	again  *ring.Event
}

// wrapped opens readers with a mistake.
func wrapped(mistake func(*wrong)) func(context.Context, replay.Store, string, replay.Position) (replay.Reader, error) {
	return func(ctx context.Context, next replay.Store, id string, at replay.Position) (replay.Reader, error) {
		r, err := next.Open(ctx, id, at)
		if err != nil {
			return nil, err
		}
		w := &wrong{Reader: r, ctx: ctx, next: next, id: id, at: at}
		mistake(w)
		return w, nil
	}
}

func (w *wrong) Next(e *ring.Event) bool {
	if w.again != nil {
		*e, w.again = *w.again, nil
		return true
	}
	if w.lazy && !w.waited {
		return false
	}
	if !w.Reader.Next(e) {
		if !w.skipsGaps || !errors.Is(w.Reader.Err(), ring.ErrEvicted) {
			return false
		}
		w.Reader.Close()
		r, err := w.next.Open(w.ctx, w.id, replay.Position{Streams: w.at.Streams, All: w.at.All})
		if err != nil {
			return false
		}
		w.Reader = r
		return r.Next(e)
	}
	w.read++
	if w.repeats && w.waited {
		same := *e
		w.again, w.repeats = &same, false
	}
	if w.loses && w.read == 1 {
		return w.Reader.Next(e)
	}
	return true
}

func (w *wrong) Wait(ctx context.Context) error {
	w.waited = true
	switch {
	case w.sleeps && w.Reader.Err() == nil:
		<-ctx.Done()
		return ctx.Err()
	case w.nervous:
		return nil
	}
	return w.Reader.Wait(ctx)
}

// PositionID is the inner reader's, or hastily that of the newest event.
func (w *wrong) PositionID() string {
	if !w.hasty {
		return w.Reader.(replay.Positioner).PositionID()
	}
	r, err := w.next.Open(w.ctx, w.id, replay.Position{Live: true})
	if err != nil {
		return ""
	}
	defer r.Close()
	return r.(replay.Positioner).PositionID()
}

package interop

import (
	"context"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// unscrupulous is a Store whose sessions hold these events and have finished.
type unscrupulous struct {
	replay.Store
	events []ring.Event
}

func (u unscrupulous) Open(context.Context, string, replay.Position) (replay.Reader, error) {
	return &unscrupulousReader{u.events}, nil
}

type unscrupulousReader struct{ left []ring.Event }

func (r *unscrupulousReader) Next(e *ring.Event) bool {
	if len(r.left) == 0 {
		return false
	}
	*e, r.left = r.left[0], r.left[1:]
	return true
}

func (r *unscrupulousReader) Err() error {
	if len(r.left) == 0 {
		return shard.ErrFinished
	}
	return nil
}

func (r *unscrupulousReader) Wait(context.Context) error { return nil }
func (r *unscrupulousReader) Close()                     {}

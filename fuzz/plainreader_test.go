package fuzz_test

import (
	"slices"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A plainReader is what replay.Reader promises, over a plainLog.
type plainReader struct {
	log     *plainLog
	status  *shard.Status // of the session
	cursor  plainCursor
	streams []string // nil: what cursor sees
	err     error    // why it has ended
}

// openPlain returns a reader at a position, or the error to expect.
func openPlain(l *plainLog, status *shard.Status, at replay.Position) (*plainReader, error) {
	if *status != shard.Active && *status != shard.Finished {
		return nil, shard.ErrNotFound
	}
	r := &plainReader{log: l, status: status}
	var err error
	if r.cursor, err = l.seek(at.LastEventID); err != nil {
		return nil, err
	}
	if at.Live && at.LastEventID == "" {
		r.cursor.seq = l.last
	}
	if at.All || len(at.Streams) > 0 {
		r.cursor.one = false
	}
	if !at.All && len(at.Streams) > 0 {
		r.streams = slices.Clone(at.Streams)
	}
	return r, nil
}

// next returns the next event, or sets err if there will never be one.
func (r *plainReader) next() (ring.Event, bool) {
	for r.err == nil {
		e, more := r.log.next(&r.cursor)
		switch {
		case more && (r.streams == nil || slices.Contains(r.streams, e.Stream)):
			return e, true
		case more:
			continue
		case r.cursor.gone:
			r.err = ring.ErrEvicted
		default:
			r.err = r.end()
			return ring.Event{}, false
		}
	}
	return ring.Event{}, false
}

// end is why no event will come any more.
func (r *plainReader) end() error {
	switch *r.status {
	case shard.Active:
		return nil
	case shard.Finished:
		return shard.ErrFinished
	}
	return shard.ErrNotFound
}

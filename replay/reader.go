package replay

import (
	"context"
	"slices"

	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// reader is a Reader over a session of this process. All fields belong to the goroutine that uses
// it; what it shares with others is behind s and cur. It allocates nothing after open.
type reader struct {
	s        *shard.Session
	cur      ring.Cursor
	streams  []string      // sorted; empty: whatever cur sees
	attached *shard.Reader // nil once closed
	progress progress
	err      error      // why it has ended
	ahead    ring.Event // what Wait has read and Next has not yet returned
	isAhead  bool
	began    uint64 // where the reader began
	read     uint64 // the newest event that Next has returned, or where the reader began
	stored   uint64 // the newest event at open: those up to it are replayed, later ones are live
	replayed int    // replayed events that the session has not been told of
}

// open attaches a reader to s.
func open(s *shard.Session, at Position) (Reader, error) {
	attached, err := s.AttachReader()
	if err != nil {
		return nil, err
	}
	tail := s.Tail()
	cur, err := seek(s, at)
	if err != nil {
		attached.Detach()
		return nil, err
	}
	r := &reader{s: s, cur: cur, attached: attached, progress: progress{told: never}, began: cur.Seq(),
		read: cur.Seq(), stored: tail.Seq()}
	switch {
	case at.All:
		r.cur = cur.All()
	case len(at.Streams) == 1:
		r.cur = cur.Only(at.Streams[0])
	case len(at.Streams) > 1:
		r.cur = cur.All()
		r.streams = slices.Compact(slices.Sorted(slices.Values(at.Streams)))
	}
	return r, nil
}

// seek is where a reader or a replay begins. The session counts what it refuses as a gap.
func seek(s *shard.Session, at Position) (ring.Cursor, error) {
	if at.LastEventID == "" && at.Live {
		return s.Tail(), nil
	}
	return s.Seek(at.LastEventID)
}

func (r *reader) Next(e *ring.Event) bool {
	if r.isAhead {
		*e, r.ahead, r.isAhead = r.ahead, ring.Event{}, false
	} else if !r.fetch(e) {
		return false
	}
	r.read = e.Seq
	if e.Seq <= r.stored {
		r.replayed++
	}
	return true
}

// PositionID implements [Positioner]. It is "" after Close of the last reader of a session that has
// ended.
func (r *reader) PositionID() string { return r.s.PositionID(r.read) }

// SkipGap implements [GapSkipper].
func (r *reader) SkipGap() (first uint64, err error) {
	if r.attached == nil {
		return 0, r.err
	}
	r.cur, r.err = r.cur.Oldest(), nil
	r.ahead, r.isAhead = ring.Event{}, false
	r.read = r.cur.Seq()
	return r.read + 1, nil // who was overtaken was so by an event, which is retained
}

func (r *reader) Err() error {
	if r.isAhead {
		return nil
	}
	return r.err
}

func (r *reader) Wait(ctx context.Context) error {
	for {
		if r.isAhead || r.err != nil {
			return nil
		}
		if r.fetch(&r.ahead) {
			r.isAhead = true
			return nil
		}
		if r.err != nil {
			return nil
		}
		if err := r.s.Wait(ctx, r.cur.Seq()); err != nil && r.s.Err() == nil {
			return err // ctx's: the session goes on
		}
	}
}

func (r *reader) Close() {
	if r.attached == nil {
		return
	}
	r.count(0)
	r.attached.Detach()
	r.attached = nil
	if r.err == nil {
		r.err = ErrClosed
	}
	r.cur, r.ahead, r.isAhead = ring.Cursor{}, ring.Event{}, false // pin nothing
}

// fetch reads the next event that the reader sees, if there is one.
func (r *reader) fetch(e *ring.Event) bool {
	if r.err != nil {
		return false
	}
	if r.scan(e) || r.lookAgain(e) {
		if r.progress.due(r.cur.Seq()) {
			r.progress.size(r.s.Summary().Log.Events)
			r.tell()
		}
		return true
	}
	r.count(0)
	if r.progress.told != r.cur.Seq() {
		r.tell()
	}
	return false
}

// tell lets Session.Health know how far the reader is. A reader that nobody has ever asked for
// events tells nothing: some only attach.
func (r *reader) tell() {
	seq := r.cur.Seq()
	r.progress.told = seq
	r.attached.ReadUpTo(seq)
}

// lookAgain ends a reader that has caught up with a session that has ended. An event may have been
// stored between the look that found nothing and the end. Once Err tells of the end no event is
// stored any more, so one more look sees every event there will ever be.
func (r *reader) lookAgain(e *ring.Event) bool {
	end := r.s.Err()
	if end == nil || r.err != nil {
		return false
	}
	if r.scan(e) {
		return true
	}
	if r.err == nil {
		r.err = end
	}
	return false
}

// scan reads on until an event of the reader's streams or until the cursor has caught up or failed.
func (r *reader) scan(e *ring.Event) bool {
	for r.cur.Next(e) {
		if len(r.streams) == 0 || r.sees(e.Stream) {
			return true
		}
	}
	if err := r.cur.Err(); err != nil {
		r.count(1)
		r.err = err
	}
	return false
}

func (r *reader) sees(stream string) bool {
	_, found := slices.BinarySearch(r.streams, stream)
	return found
}

// count tells the session's statistics what has been replayed since the last time.
func (r *reader) count(gaps int) {
	if r.replayed > 0 || gaps > 0 {
		shardaccess.CountReplay(r.s, r.replayed, gaps)
		r.replayed = 0
	}
}

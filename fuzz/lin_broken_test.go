package fuzz_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/ring"
)

// checksOutside looks for a duplicate first and appends then: two goroutines may both find that
// there is none. The ring below cannot tell, for it is given IDs that nobody else has, of the same
// length.
type checksOutside struct {
	sound
	count  *atomic.Int64
	stored *sync.Map // ID to the event that had it last, as the ring below has it
}

func (b checksOutside) retained(id string) (ring.Event, bool) {
	e, ok := b.stored.Load(id)
	if !ok || e.(ring.Event).Seq < b.sound.Stats().First {
		return ring.Event{}, false
	}
	return e.(ring.Event), true
}

func (b checksOutside) Append(e ring.Event) (ring.Event, error) {
	if !slices.Contains(ownIDs, e.ID) {
		return b.sound.Append(e)
	}
	if held, ok := b.retained(e.ID); ok {
		return publicID(held), ring.ErrDuplicateID
	}
	runtime.Gosched()
	id := e.ID
	e.ID = fmt.Sprintf("%c%07d", id[0], b.count.Add(1))
	e, err := b.sound.Append(e)
	if err == nil {
		b.stored.Store(id, e)
	}
	return publicID(e), err
}

// publicID puts the ID back that e came with.
func publicID(e ring.Event) ring.Event {
	for _, id := range ownIDs {
		if len(e.ID) == len(id) && e.ID[0] == id[0] {
			e.ID = id
		}
	}
	return e
}

func (b checksOutside) Seek(id string) (ring.Cursor, error) {
	if held, ok := b.retained(id); ok {
		id = held.ID
	}
	return b.sound.Seek(id)
}

func (b checksOutside) Next(c *ring.Cursor, e *ring.Event) bool {
	more := b.sound.Next(c, e)
	*e = publicID(*e)
	return more
}

// closesBeside has a flag of its own for being closed, which appends look at before they begin.
type closesBeside struct {
	sound
	closed *atomic.Bool
}

func (b closesBeside) Append(e ring.Event) (ring.Event, error) {
	if b.closed.Load() {
		return ring.Event{}, ring.ErrClosed
	}
	runtime.Gosched()
	return b.sound.Append(e)
}

func (b closesBeside) AppendAll(dst, es []ring.Event) ([]ring.Event, error) {
	if b.closed.Load() {
		return nil, ring.ErrClosed
	}
	runtime.Gosched()
	return b.sound.AppendAll(dst, es)
}

func (b closesBeside) Wait(ctx context.Context, seq uint64) error {
	err := b.sound.Wait(ctx, seq)
	if err != nil && b.closed.Load() {
		return ring.ErrClosed
	}
	return err
}

func (b closesBeside) Close() { b.closed.Store(true) }

// readsInParts puts its Stats together from two looks at the ring.
type readsInParts struct{ sound }

func (b readsInParts) Stats() ring.Stats {
	s := b.sound.Stats()
	runtime.Gosched()
	now := b.sound.Stats()
	s.Bytes, s.Events = now.Bytes, now.Events
	return s
}

// splitsBatches stores a batch of two in two steps, unless it might be refused.
type splitsBatches struct{ sound }

func (b splitsBatches) AppendAll(dst, es []ring.Event) ([]ring.Event, error) {
	if len(es) != 2 || es[0].ID+es[1].ID != "" || b.limits.MaxEvents < 2 || b.sound.Stats().Last+20 > maxSeq {
		return b.sound.AppendAll(dst, es)
	}
	first, err := b.sound.AppendAll(nil, es[:1])
	if err != nil {
		return nil, err
	}
	runtime.Gosched()
	second, err := b.sound.AppendAll(nil, es[1:])
	return append(first, second...), err
}

// cutsBatches stores one event less than it says.
type cutsBatches struct{ sound }

func (b cutsBatches) AppendAll(dst, es []ring.Event) ([]ring.Event, error) {
	n := len(es)
	if n < 2 || es[n-1].ID != "" {
		return b.sound.AppendAll(dst, es)
	}
	stored, err := b.sound.AppendAll(dst, es[:n-1])
	if err != nil {
		return stored, err
	}
	e := es[n-1]
	e.Seq = stored[n-2].Seq + 1
	e.ID = fmt.Sprint("lost-", e.Seq)
	return append(stored, e), nil
}

// readsStale answers Tail with what the tail was when somebody asked last.
type readsStale struct {
	sound
	cached *atomic.Pointer[ring.Cursor]
}

func (b readsStale) Tail() ring.Cursor {
	now := b.sound.Tail()
	if old := b.cached.Swap(&now); old != nil {
		return *old
	}
	return now
}

// losesAppends says now and then that an event is stored which is not.
type losesAppends struct {
	sound
	count *atomic.Int64
}

func (b losesAppends) Append(e ring.Event) (ring.Event, error) {
	if b.count.Add(1)%16 == 0 {
		e.Seq = b.sound.Stats().Last + 1
		e.ID = orElse(e.ID, fmt.Sprint("lost-", e.Seq))
		return e, nil
	}
	return b.sound.Append(e)
}

// hidesNewest does not find the newest event by its ID, though it can be read.
type hidesNewest struct{ sound }

func (b hidesNewest) Seek(id string) (ring.Cursor, error) {
	c, err := b.sound.Seek(id)
	if err == nil && id != "" && c.Seq() == b.sound.Stats().Last {
		return ring.Cursor{}, ring.ErrUnknownID
	}
	return c, err
}

// skipsEvents goes on from the oldest event where it should say that events are missing.
type skipsEvents struct{ sound }

func (b skipsEvents) Next(c *ring.Cursor, e *ring.Event) bool {
	ahead := *c
	if more := b.sound.Next(&ahead, e); more || ahead.Err() == nil {
		*c = ahead
		return more
	}
	*c, _ = b.sound.Seek("")
	return b.sound.Next(c, e)
}

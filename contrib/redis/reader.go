package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// reader is a Reader. Its fields belong to the goroutine that uses it, but for the last ones,
// through which the hub tells it when to look.
//
// It reads the stream from its entry on, and what it learns from the hub is only that there may be
// something to read: so no notification that is lost, doubled or late can make a gap or a
// duplicate. With each batch the server looks whether the entry that was read last is still the one
// that it was.
type reader struct {
	store   *Store
	id      string
	name    string   // in the session's leases
	tag     string   // of the session; guarded by hub.mu until Open returns
	streams []string // sorted; empty: every one

	entry  string // read up to here
	seq    uint64 // of entry
	place  string // the entry of the newest event that Next has returned, or where the reader began
	buf    []buffered
	next   int   // of buf
	atHead bool  // buf reaches to what was newest when it was filled
	pause  bool  // Next has handed out what there was, and says once that there is nothing more without asking
	end    error // why nothing comes after buf
	err    error

	detached bool

	read   atomic.Uint64 // seq
	newest atomic.Uint64 // highest sequence that the hub has heard of
	forced atomic.Bool   // something else has happened: look
	closed atomic.Bool   // the Store was
	lapsed atomic.Bool   // the server no longer knew the reader at its last renewal
	full   atomic.Bool   // it was to be attached again, and there was no room
	wake   chan struct{} // holds one signal
}

type buffered struct {
	event ring.Event
	entry string
}

// PositionID implements replay.Positioner: the tag, a point, and the entry.
func (r *reader) PositionID() string { return r.tag + "." + r.place }

func (r *reader) Next(e *ring.Event) bool {
	ctx, cancel := context.Context(nil), func() {}
	defer func() { cancel() }()
	for {
		if r.next < len(r.buf) {
			*e, r.place, r.buf[r.next] = r.buf[r.next].event, r.buf[r.next].entry, buffered{}
			r.next++
			return true
		}
		if r.over() {
			return false
		}
		if r.pause {
			r.pause = false
			return false
		}
		if ctx == nil {
			ctx, cancel = r.store.bound(context.Background())
		}
		if err := r.fetch(ctx); err != nil {
			r.err = err
			return false
		}
		if len(r.buf) == 0 && r.atHead && r.end == nil {
			return false
		}
	}
}

// SkipGap implements replay.GapSkipper, in one round trip. When that fails, the gap is still there
// to be skipped.
func (r *reader) SkipGap() (first uint64, err error) {
	if !errors.Is(r.err, ring.ErrEvicted) || r.detached {
		return 0, r.err
	}
	args := []string{r.store.head, r.tag, "", batchEvents}
	list, err := r.store.list(context.Background(), r.store.scripts.read, r.id, args)
	if err == nil && len(list) < 3 {
		err = unexpected(len(list))
	}
	if err != nil {
		return 0, err
	}
	end := len(list) - 1
	r.place = text(list[end])
	r.move(r.place)
	r.err, r.end = nil, nil
	if r.seq < uint64(number(list[1])) {
		first = r.seq + 1
	}
	return first, r.take(list[:end])
}

// over reports whether the reader has ended; the buffer is empty.
func (r *reader) over() bool {
	if r.err == nil && r.end != nil {
		r.err = r.end
	}
	if r.err == nil && r.full.Load() {
		r.err = refusal(codeAttachLimit, r.id)
	}
	if r.err == nil && r.closed.Load() {
		r.err = shard.ErrClosed
	}
	return r.err != nil
}

func (r *reader) Err() error {
	if r.next < len(r.buf) {
		return nil
	}
	return r.err
}

func (r *reader) Wait(ctx context.Context) error {
	look := ctx
	if ctx.Err() != nil { // what is ready counts more
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(r.store.cfg.Timeout, time.Second))
		defer cancel()
		look = short
		r.forced.Store(true)
	}
	for r.next == len(r.buf) && !r.over() {
		if r.forced.Swap(false) || r.newest.Load() > r.seq || !r.atHead {
			if err := r.fetch(look); err != nil {
				r.forced.Store(true)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return err
			}
			continue
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fetch reads on until it has an event that the reader sees, has caught up, or has found the end.
// The error is one that may pass. Every round moves the reader on, or ends it.
func (r *reader) fetch(ctx context.Context) error {
	for {
		list, err := r.store.list(ctx, r.store.scripts.read, r.id, []string{r.store.head, r.tag, r.entry, batchEvents})
		if uncertain(err) {
			return err
		}
		if err == nil && len(list) < 2 {
			err = unexpected(len(list))
		}
		if err == nil {
			err = r.take(list)
		}
		if err != nil {
			r.end = err
			return nil
		}
		if len(r.buf) > 0 || r.atHead {
			return nil
		}
	}
}

func (r *reader) Close() {
	if r.detached {
		return
	}
	r.detached = true
	r.store.hub.remove(r)
	ctx, cancel := context.WithTimeout(context.Background(), min(r.store.cfg.Timeout, time.Second))
	defer cancel()
	// If it fails the lease runs out by itself.
	again := "0"
	if r.lapsed.Load() { // a renewal may be on its way that attaches it again
		again = milliseconds(remember)
	}
	r.store.attempt(
		ctx, r.store.scripts.detach, r.store.buckets.keys(r.id), []string{r.store.head, r.tag, r.name, again}, nil,
	)
	r.buf, r.next = nil, 0
	if r.err == nil {
		r.err = replay.ErrClosed
	}
}

// notify is called by the hub. Sequence 0 means that something else than an event has happened, or
// may have.
func (r *reader) notify(seq uint64) {
	if seq == 0 {
		r.forced.Store(true)
	}
	for known := r.newest.Load(); known < seq && !r.newest.CompareAndSwap(known, seq); known = r.newest.Load() {
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

package tiered

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A session is one that this process writes: its front in memory, and the writer of its copy
// behind. It stands for one incarnation, and is never used for another.
//
// At most one goroutine copies: the one that has set busy, or was given it by another. It gives it
// up when there is nothing to do. Work that comes just then is found by one of the two, for it
// clears busy and then looks again, and others add work and then look at busy.
type session struct {
	store *Store
	id    string
	front *shard.Session // immutable
	tag   string         // of the log with which it was created; the same in every copy; immutable

	gate   sync.RWMutex // held for reading by writes to front; by seal for writing
	sealed bool         // Close has come: no more writes; guarded by gate

	updating mutex // one Update at a time, so that both tiers see them in one order

	busy      atomic.Bool   // a goroutine copies; cleared with mu held
	copied    atomic.Uint64 // sequence up to which events are behind; written by the copier
	owed      atomic.Uint64 // with Sync: up to which they are to be, whoever waits; written with mu held
	finishing atomic.Bool   // Finish was called: the copy is to be finished too
	finished  atomic.Bool   // it is
	ending    atomic.Bool   // front has ended, and the copy is to end
	doubted   atomic.Bool   // the copy may be another's, or gone; cleared by the copier
	toMend    atomic.Bool   // an Update has failed here, and perhaps not behind; see mend
	renewAt   atomic.Int64  // Unix nanoseconds; written by the renewal
	renewing  atomic.Bool   // a renewal is under way

	mu     sync.Mutex
	w      replay.Writer // replaced when the copy is made anew
	failed error         // why nothing is copied any more, for good
	gone   bool          // the copy has ended, or is another's
	torn   bool          // the copy may have what an Update that has failed has made of it
	moved  chan struct{} // closed when copied, finished, ending or one of the above changes; nil: nobody waits

	refused []refusal // the last events that the Store behind did not take

	waiters   []*waiter          // with Sync; see lead.go
	leading   context.CancelFunc // of the call that a leader makes, or nil
	since     time.Time          // when that began
	watch     *time.Timer        // calls overdue; nil until a caller leads
	isWatched bool               // watch is going to

	remade bool   // a new copy was asked for, and may be there; the copier's
	copier copier // belongs to the goroutine that copies
}

// A refusal is an event that is not behind, and never will be.
type refusal struct {
	seq uint64
	why error
}

const maxRefused = 64

// newSession makes a session whose lease, asked for at asked, w has.
func (s *Store) newSession(
	front *shard.Session,
	tag string,
	w replay.Writer,
	asked time.Time,
	copied uint64,
) *session {
	h := &session{
		store: s, id: front.ID(), front: front, tag: tag, w: w,
		updating: newMutex(),
	}
	h.copied.Store(copied)
	h.renewAt.Store(asked.Add(s.cfg.Term / 3).UnixNano())
	return h
}

func (h *session) writer() replay.Writer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.w
}

// call makes a call to the Store behind.
func (h *session) call(ctx context.Context, do func(context.Context) error) error {
	return h.store.calls.through(ctx, do)
}

func (h *session) newest() uint64 {
	tail := h.front.Tail()
	return tail.Seq()
}

func (h *session) lag() uint64 {
	copied := h.copied.Load()
	return max(h.newest(), copied) - copied
}

func (h *session) hasEnded() bool {
	err := h.front.Err()
	return err != nil && !errors.Is(err, shard.ErrFinished)
}

func (h *session) append(e ring.Event) (ring.Event, error) {
	h.gate.RLock()
	defer h.gate.RUnlock()
	if h.sealed {
		return ring.Event{}, shard.ErrClosed
	}
	stored, err := h.front.Append(e)
	return stored, h.ownReason(err)
}

func (h *session) appendAll(es []ring.Event) ([]ring.Event, error) {
	h.gate.RLock()
	defer h.gate.RUnlock()
	if h.sealed {
		return nil, shard.ErrClosed
	}
	stored, err := h.front.AppendAll(nil, es)
	return stored, h.ownReason(err)
}

// ownReason makes of the end of front the reason for it, where that is that another process writes
// the session.
func (h *session) ownReason(err error) error {
	if !errors.Is(err, shard.ErrNotFound) {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if errors.Is(h.failed, replay.ErrFenced) {
		return h.failed
	}
	return err
}

// seal refuses further writes. What was stored before is in front when it returns.
func (h *session) seal() {
	h.gate.Lock()
	defer h.gate.Unlock()
	h.sealed = true
}

func (h *session) isSealed() bool {
	h.gate.RLock()
	defer h.gate.RUnlock()
	return h.sealed
}

// change changes what others wait for.
func (h *session) change(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do()
	h.tell()
	if h.moved != nil {
		close(h.moved)
		h.moved = nil
	}
}

// until waits until ok, which is called with mu held, says so or fails.
func (h *session) until(ctx context.Context, ok func() (bool, error)) error {
	for {
		h.mu.Lock()
		is, err := ok()
		if is || err != nil {
			h.mu.Unlock()
			return err
		}
		if h.moved == nil {
			h.moved = make(chan struct{})
		}
		moved := h.moved
		h.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-h.store.ctx.Done():
			return errNotBehind
		}
	}
}

func (h *session) awaitFinish(ctx context.Context) error {
	err := h.until(ctx, func() (bool, error) { return h.finished.Load() || h.gone, h.failed })
	if errors.Is(err, shard.ErrNotFound) {
		return nil // it has ended behind already
	}
	return err
}

// awaitAll waits until the copy is what the session is. The session is sealed.
func (h *session) awaitAll(ctx context.Context) error {
	if err := h.updating.lock(ctx); err != nil { // one that has begun is through then, and none follows
		return err
	}
	h.updating.unlock()
	newest := h.newest()
	return h.until(ctx, func() (bool, error) {
		isFinished := !h.finishing.Load() || h.finished.Load()
		return h.copied.Load() >= newest && isFinished && !h.torn || h.gone, h.failed
	})
}

// awaitGone waits until the copy has ended.
func (h *session) awaitGone(ctx context.Context) error {
	return h.until(ctx, func() (bool, error) { return h.gone, nil })
}

func (h *session) isOver() bool { return h.ending.Load() }

// over has the copy end, whatever is not yet copied: the session has ended, and its events with it.
func (h *session) over() {
	h.change(func() { h.ending.Store(true) })
	h.wake()
}

// isLost reports whether err says that the copy is another's, or gone.
func isLost(err error) bool {
	return errors.Is(err, replay.ErrFenced) || errors.Is(err, shard.ErrNotFound)
}

// lose ends the session here, because its copy is another's or has ended: whoever reads or waits is
// told.
func (h *session) lose(why error) error {
	h.store.held.CompareAndDelete(h.id, h)
	h.change(func() {
		if h.failed == nil {
			h.failed = why
		}
		h.gone = true
	})
	h.front.Terminate()
	return why
}

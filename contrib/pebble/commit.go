package pebble

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/reprise-go/reprise/shard"
)

// The way of a write to the disk.
//
// A caller decides under its session's lock what to write, and queues it there too: so the queue
// has the writes of a session in the order in which they were decided. One goroutine, the writer,
// takes whatever is queued, gives it to Pebble as one batch and asks for a sync without waiting for
// it. Another one, the confirmer, waits for the sync, and then confirms the writes in their order:
// only then are they visible to readers and does the caller return. While one batch is synced the
// next one is on its way, and no more.
//
// Why not every caller on its own, which Pebble allows? Because a caller must come back when its
// context ends or the disk fails, and Pebble waits for either without an end: with a lock held when
// a write has failed. Pebble must be given no further write after one that has failed; with at most
// two under way, the failure of the first is known before a third begins.
//
// With Config.SyncEvery the writer confirms writes itself as soon as Pebble has them, and asks for
// a sync in time.
type committer struct {
	db     *engine.DB
	every  time.Duration
	failed chan struct{} // closed once a write has failed: nothing is confirmed from then on
	wedged atomic.Bool   // Pebble holds a lock for good: it cannot be closed

	mu      sync.Mutex
	queue   []*write      // in the order in which they were decided
	waiting int           // bytes of writes that were queued and are not confirmed
	room    chan struct{} // closed when there is less waiting; nil: nobody waits
	failure error         // why, once failed is closed
	closed  bool          // nothing is queued any more
	inside  int           // goroutines in the middle of a write to Pebble; none enters once a write has failed
	empty   *sync.Cond    // inside is 0; of mu

	kick     chan struct{} // holds one signal: something is queued, or closed is set
	inflight chan flight
	done     sync.WaitGroup
}

// A write is one batch: all of it is done or nothing.
type write struct {
	batch   *engine.Batch
	confirm func()        // makes it visible; called by the confirmer; may be nil
	done    chan struct{} // closed once it is confirmed
}

// A flight is writes that Pebble has as one batch.
type flight struct {
	batch  *engine.Batch
	writes []*write
	bytes  int
	synced bool // a sync was asked for
}

const (
	maxWaiting = 64 << 20 // bytes: whoever wants to write more waits
	maxFlight  = 4 << 20  // bytes: enough for a sync
)

func newCommitter(db *engine.DB, every time.Duration) *committer {
	c := &committer{db: db, every: every, failed: make(chan struct{}), kick: make(chan struct{}, 1),
		inflight: make(chan flight)}
	c.empty = sync.NewCond(&c.mu)
	c.done.Go(c.writer)
	c.done.Go(c.confirmer)
	return c
}

// admit waits until there is room for another write.
func (c *committer) admit(ctx context.Context) error {
	for {
		c.mu.Lock()
		err := c.refusal()
		if err != nil || c.waiting < maxWaiting {
			c.mu.Unlock()
			return err
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-c.failed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// refusal is why nothing can be queued. It is called with mu held.
func (c *committer) refusal() error {
	if c.failure != nil {
		return c.failure
	}
	if c.closed {
		return shard.ErrClosed
	}
	return nil
}

// enqueue queues a write. It does not block.
func (c *committer) enqueue(batch *engine.Batch, confirm func()) (*write, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refusal(); err != nil {
		batch.Close()
		return nil, err
	}
	w := &write{batch, confirm, make(chan struct{})}
	c.queue = append(c.queue, w)
	c.waiting += batch.Len()
	c.signal()
	return w, nil
}

func (c *committer) signal() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// wait returns once w is confirmed, or cannot be any more, or ctx has ended.
func (c *committer) wait(ctx context.Context, w *write) error {
	select {
	case <-w.done:
		return nil
	default:
	}
	select {
	case <-w.done:
		return nil
	case <-c.failed:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-w.done: // just in time
		return nil
	default:
		return c.err()
	}
}

func (c *committer) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// fail ends all writing. The first cause counts.
func (c *committer) fail(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return
	}
	c.failure = failure(cause)
	close(c.failed)
}

// take returns the writes of the next flight; none when the queue is empty.
func (c *committer) take() (f flight, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < len(c.queue) && (n == 0 || f.bytes+c.queue[n].batch.Len() <= maxFlight) {
		f.bytes += c.queue[n].batch.Len()
		n++
	}
	f.writes = c.queue[:n:n]
	c.queue = c.queue[n:]
	if len(c.queue) == 0 {
		c.queue = nil
	}
	return f, c.closed
}

// writer gives queued writes to Pebble until the committer is closed and the queue is empty, or a
// write has failed.
func (c *committer) writer() {
	defer close(c.inflight)
	var due <-chan time.Time // when what is written must be synced
	for {
		select {
		case <-c.kick:
		case <-c.failed:
			return
		case <-due:
			due = nil
			if !c.launch(flight{synced: true}) {
				return
			}
		}
		for {
			f, closed := c.take()
			if len(f.writes) == 0 {
				if closed {
					return
				}
				break
			}
			f.synced = c.every == 0
			if !c.launch(f) {
				return
			}
			if !f.synced && due == nil {
				due = time.After(c.every / 2) // the rest is for the sync
			}
		}
	}
}

// launch gives a flight to Pebble, and to the confirmer if it must be synced first.
func (c *committer) launch(f flight) bool {
	if err := c.guard(func() error { return c.apply(&f) }); err != nil {
		return false
	}
	if !f.synced {
		c.confirm(f)
		return true
	}
	select {
	case c.inflight <- f:
		return true
	case <-c.failed:
		return false
	}
}

// guard calls write, which writes to Pebble, unless a write has failed. An error of it, also one
// with which Pebble panics, ends all writing.
func (c *committer) guard(write func() error) (err error) {
	c.mu.Lock()
	if err := c.failure; err != nil {
		c.mu.Unlock()
		return err
	}
	c.inside++
	c.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			c.wedged.Store(true)
			if err, _ = p.(error); err == nil {
				err = fmt.Errorf("%v", p)
			}
		}
		if err != nil {
			c.fail(err)
			err = c.err()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.inside--; c.inside == 0 {
			c.empty.Broadcast()
		}
	}()
	return write()
}

// awaitNobody returns when nobody is in the middle of a write. A write has failed.
func (c *committer) awaitNobody() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.inside > 0 {
		c.empty.Wait()
	}
}

func (c *committer) apply(f *flight) error {
	f.batch = c.db.NewBatch()
	for _, w := range f.writes {
		if err := f.batch.Apply(w.batch, nil); err != nil {
			return err
		}
		w.batch.Close()
	}
	if len(f.writes) == 0 {
		if err := f.batch.LogData(nil, nil); err != nil {
			return err
		}
	}
	if f.synced {
		return c.db.ApplyNoSyncWait(f.batch, engine.Sync)
	}
	return c.db.Apply(f.batch, engine.NoSync)
}

// confirmer waits for syncs.
func (c *committer) confirmer() {
	for f := range c.inflight {
		if err := f.batch.SyncWait(); err != nil {
			c.fail(err)
		}
		if c.err() == nil {
			c.confirm(f)
		}
	}
}

func (c *committer) confirm(f flight) {
	f.batch.Close()
	for _, w := range f.writes {
		if w.confirm != nil {
			w.confirm()
		}
		close(w.done)
	}
	c.release(f.bytes)
}

func (c *committer) release(bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting -= bytes
	if c.room != nil && c.waiting < maxWaiting {
		close(c.room)
		c.room = nil
	}
}

// close lets what is queued be written, and returns when both goroutines have ended; or, if writing
// has failed, when Pebble does not come back.
func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.signal()
	c.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		c.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-c.failed:
	}
	patience := time.NewTimer(2 * time.Second)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		c.wedged.Store(true)
	}
}

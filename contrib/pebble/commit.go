package pebble

import (
	"context"
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
// two under way, the failure of the first is known before a third begins. More than two would not
// be faster: with 64 writers each carries less, and there were a fifth to a quarter fewer appends
// in six runs of a second by turns, on two busy processors.
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

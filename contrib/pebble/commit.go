package pebble

import (
	"context"
	"math/rand/v2"
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

	directory, run uint64 // of the marks; see mark.go

	log    sync.Mutex    // held while a batch gets its number and is given to Pebble
	number uint64        // of the last batch; with log held
	synced atomic.Uint64 // the last batch that is on disk; load writes it before there are flights, then the confirmer

	waiting atomic.Int64 // bytes of writes that were queued and are not confirmed; changed with mu held
	refuses atomic.Bool  // failure or closed is set; with mu held

	mu      sync.Mutex
	queue   []*write      // in the order in which they were decided
	spare   []*write      // memory for the next queue
	taken   []flight      // from the queue, and not yet confirmed, in their order; fail reads their writes
	room    chan struct{} // closed when there is less waiting; nil: nobody waits
	failure error         // why, once failed is closed
	closed  bool          // nothing is queued any more
	inside  int           // goroutines in the middle of a write to Pebble; none enters once a write has failed
	empty   *sync.Cond    // inside is 0; of mu

	kick     chan struct{} // holds one signal: something is queued, or closed is set
	inflight chan flight
	order    []*write // memory of the writer's
	done     sync.WaitGroup
}

// A write is one batch: all of it is done or nothing.
type write struct {
	batch   *engine.Batch
	session *session       // what it changes; nil: no session
	after   state          // what the session is then
	confirm func(*session) // called once that is visible, with the session's lock held; may be nil
	done    chan struct{}  // closed once it is confirmed, or never will be
	err     error          // why it never will be; written before done is closed
}

const (
	maxWaiting = 64 << 20 // bytes: whoever wants to write more waits
	maxFlight  = 4 << 20  // bytes: enough for a sync
)

func newCommitter(db *engine.DB, directory uint64, every time.Duration) *committer {
	c := &committer{db: db, every: every, directory: directory, run: rand.Uint64(), failed: make(chan struct{}),
		kick: make(chan struct{}, 1), inflight: make(chan flight)}
	c.empty = sync.NewCond(&c.mu)
	c.done.Go(c.writer)
	c.done.Go(c.confirmer)
	return c
}

// admit waits until there is room for another write.
func (c *committer) admit(ctx context.Context) error {
	if c.waiting.Load() < maxWaiting && !c.refuses.Load() {
		return nil
	}
	for {
		c.mu.Lock()
		err := c.refusal()
		if err != nil || c.waiting.Load() < maxWaiting {
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
func (c *committer) enqueue(w *write) error {
	w.done = make(chan struct{})
	size := int64(w.batch.Len())
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refusal(); err != nil {
		w.batch.Close()
		return err
	}
	c.queue = append(c.queue, w)
	c.waiting.Add(size)
	if len(c.queue) == 1 { // the writer takes all at once
		c.signal()
	}
	return nil
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
		return w.err
	default:
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *committer) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// fail ends all writing, and tells all who wait for a write. The first cause counts.
func (c *committer) fail(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return
	}
	c.failure = failure(cause)
	c.refuses.Store(true)
	close(c.failed)
	for _, f := range append(c.taken, flight{writes: c.queue}) {
		for _, w := range f.writes {
			w.err = c.failure
			close(w.done)
		}
	}
	c.taken, c.queue = nil, nil
}

// close lets what is queued be written, and returns when both goroutines have ended; or, if writing
// has failed, when Pebble does not come back.
func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.refuses.Store(true)
	c.signal()
	c.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		c.done.Wait()
		c.awaitNobody() // Open may have written without them
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

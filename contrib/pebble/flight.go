package pebble

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
)

// A flight is writes that Pebble has as one batch.
type flight struct {
	batch  *engine.Batch
	number uint64 // of the batch
	writes []*write
	bytes  int
	synced bool // a sync was asked for
}

const maxSpare = 4096 // writes

// take returns the writes of the next flight; none when the queue is empty.
func (c *committer) take() (f flight, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < len(c.queue) && (n == 0 || f.bytes+c.queue[n].batch.Len() <= maxFlight) {
		f.bytes += c.queue[n].batch.Len()
		n++
	}
	if n == 0 {
		return f, c.closed
	}
	f.writes, c.queue = c.queue[:n:n], append(c.spare, c.queue[n:]...)
	c.spare = nil
	c.taken = append(c.taken, f)
	return f, c.closed
}

// writer gives queued writes to Pebble until the committer is closed and the queue is empty, or a
// write has failed.
func (c *committer) writer() {
	defer close(c.inflight)
	var due <-chan time.Time // when what is written must be synced
	syncNow := func() bool {
		due = nil
		return c.launch(flight{synced: true})
	}
	for {
		select {
		case <-c.kick:
		case <-c.failed:
			return
		case <-due:
			if !syncNow() {
				return
			}
		}
		for {
			select {
			case <-due: // the queue may never be empty
				if !syncNow() {
					return
				}
			default:
			}
			c.gather()
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

// gather lets callers that are about to queue a write do so, so that it shares the next sync.
func (c *committer) gather() {
	const most = 16
	before := -1
	for range most {
		c.mu.Lock()
		n := len(c.queue)
		c.mu.Unlock()
		if n == before {
			return
		}
		before = n
		runtime.Gosched()
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

// awaitNobody returns when nobody is in the middle of a write. A write has failed, or none begins
// any more.
func (c *committer) awaitNobody() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.inside > 0 {
		c.empty.Wait()
	}
}

// bySession orders writes as their keys are: the engine finds the place of a key faster that is
// near the one before.
func bySession(a, b *write) int { return cmp.Compare(a.inc(), b.inc()) }

func (w *write) inc() uint64 {
	if w.session == nil {
		return 0
	}
	return w.session.inc
}

func (c *committer) apply(f *flight) error {
	order := append(c.order[:0], f.writes...) // f.writes stay as they are: fail may be reading them
	slices.SortStableFunc(order, bySession)
	defer clear(order)
	c.order = order
	return c.give(f, order)
}

// give gives Pebble the batch of a flight: a mark and the writes in that order. It does not wait
// for the sync. An error ends all writing, and the number was the last one.
func (c *committer) give(f *flight, order []*write) error {
	c.log.Lock()
	defer c.log.Unlock()
	c.number++
	f.number, f.batch = c.number, c.db.NewBatchWithSize(markedLen+f.bytes)
	if err := f.batch.LogData(mark{c.run, f.number, c.synced.Load()}.append(nil, c.directory), nil); err != nil {
		return err
	}
	for _, w := range order {
		if err := f.batch.Apply(w.batch, nil); err != nil {
			return err
		}
		w.batch.Close()
	}
	if f.synced {
		return c.db.ApplyNoSyncWait(f.batch, engine.Sync)
	}
	return c.db.Apply(f.batch, engine.NoSync)
}

// await waits for the sync of a flight, after which all before it are on disk too.
func (c *committer) await(f flight) error {
	if err := f.batch.SyncWait(); err != nil {
		return err
	}
	c.synced.Store(f.number)
	return nil
}

// confirmer waits for syncs.
func (c *committer) confirmer() {
	for f := range c.inflight {
		if err := c.await(f); err != nil {
			c.fail(err)
		}
		c.confirm(f)
	}
}

// confirm confirms the oldest flight, unless writing has failed.
func (c *committer) confirm(f flight) {
	if !c.land(f) {
		return
	}
	f.batch.Close()
	for _, w := range f.writes {
		if w.session != nil {
			w.session.confirmed(w)
		}
		close(w.done)
	}
	c.release(f)
}

// land takes a flight off those that fail would tell of.
func (c *committer) land(f flight) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return false
	}
	if len(f.writes) > 0 {
		c.taken = append(c.taken[:0], c.taken[1:]...)
	}
	return true
}

func (c *committer) release(f flight) {
	clear(f.writes)
	c.mu.Lock()
	defer c.mu.Unlock()
	if cap(f.writes) > cap(c.spare) && cap(f.writes) <= maxSpare {
		c.spare = f.writes[:0]
	}
	if c.waiting.Add(-int64(f.bytes)); c.room != nil && c.waiting.Load() < maxWaiting {
		close(c.room)
		c.room = nil
	}
}

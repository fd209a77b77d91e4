package pebble

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// A sweeper looks at sessions when the time in their expiry keys has come. No call depends on it,
// as each looks at the clock itself: it frees places and disk.
type sweeper struct {
	store *Store
	next  atomic.Int64  // when it will look
	soon  atomic.Int64  // the earliest time that a session has asked for since it looked
	kick  chan struct{} // holds one signal: something is due before next
	quit  chan struct{}
	done  sync.WaitGroup
	open  atomic.Int64 // sessions with open readers
}

func newSweeper(s *Store) *sweeper {
	w := &sweeper{store: s, kick: make(chan struct{}, 1), quit: make(chan struct{})}
	w.soon.Store(noTime)
	return w
}

func (w *sweeper) start() { w.done.Go(w.run) }

func (w *sweeper) close() {
	close(w.quit)
	w.done.Wait()
}

// expect says that a session is due at a time.
func (w *sweeper) expect(at int64) {
	for before := w.soon.Load(); at < before && !w.soon.CompareAndSwap(before, at); before = w.soon.Load() {
	}
	if at < w.next.Load() {
		w.signal()
	}
}

func (w *sweeper) signal() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// run looks, and sleeps until the first expiry key is due. One that is still on its way to the disk
// is not found there, but was asked for.
func (w *sweeper) run() {
	const most, least = time.Minute, 5 * time.Millisecond
	for {
		now := w.store.now()
		due := min(w.soon.Swap(noTime), w.store.sweep(now))
		if w.open.Load() > 0 {
			w.sign(now)
			due = min(due, now+int64(signs))
		}
		due = max(now+int64(least), min(due, now+int64(most)))
		w.next.Store(due)
		timer := time.NewTimer(time.Duration(due - now))
		select {
		case <-timer.C:
		case <-w.kick:
		case <-w.quit:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// sign writes a sign of life.
func (w *sweeper) sign(now int64) {
	b := w.store.db.NewBatch()
	b.Set(aliveKey, binary.BigEndian.AppendUint64(nil, uint64(now)), nil)
	w.store.commits.enqueue(&write{batch: b})
}

// sweep looks at all sessions that are due, and returns when the next one is.
func (s *Store) sweep(now int64) (next int64) {
	if s.enter() != nil {
		return noTime
	}
	defer s.leave()
	it, err := s.over([]byte{prefixExpiry}, []byte{prefixExpiry + 1})
	if err != nil {
		return noTime
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		at, inc, ok := timeOf(it.Key())
		if ok && at > now {
			return at
		}
		if v, found := s.sessions.Load(string(it.Value())); found && v.(*session).inc == inc {
			v.(*session).visit(now)
		}
	}
	return noTime
}

// visit does what is due: it ends the session, forgets it, or says when to look again.
func (s *session) visit(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	if s.forgotten || s.armed > now {
		return
	}
	e := s.edit()
	switch {
	case s.isGone(now):
		e.forget()
		e.send()
		return
	case s.decided.status == shard.Active && s.readers > 0:
		e.arm(max(s.expires(), now+int64(min(s.ttl, time.Minute))))
	case s.decided.status == shard.Active:
		e.arm(s.expires())
	case s.store.cfg.Linger < 0: // the last reader to close ends it
		e.arm(noTime)
	default:
		e.arm(s.leaves())
	}
	e.queue()
}

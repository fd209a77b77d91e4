package shard

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// batch is how many sessions of one shard are visited in one step.
const batch = 256

// The driver is the goroutine that ends sessions whose time has come and forgets those that no longer linger. The wheels are
// touched by it alone, or by helpers while it waits for them.
//
// A session's timer is not moved by activity. When it fires, the driver visits the session, which is either due or gets a timer for
// when it may be: about one visit per TTL, however often the session is touched. What makes a visit necessary sooner goes
// through the shard's intake: creating a session, finishing and terminating it.
//
// The driver sleeps until alarm, the reading at which the earliest timer may fire; nothing wakes it at intervals. A session that goes
// into an intake with a later time lets it sleep, one with an earlier time brings the alarm forward. The driver sets the alarm and
// then looks at the intakes again; others put a session in and then look at the alarm: one of the two sees the other.
type driver struct {
	alarm  atomic.Int64  // reading at which the driver looks at everything; awake while it does. Written by it and by wake
	visits atomic.Uint64 // see Stats
	moved  chan struct{} // capacity 1: alarm was brought forward
	quit   chan struct{} // closed by stop
	done   sync.WaitGroup
}

const awake = math.MinInt64

func (d *driver) start(m *Manager) {
	d.moved = make(chan struct{}, 1)
	d.quit = make(chan struct{})
	d.alarm.Store(awake)
	d.done.Go(func() { d.run(m) })
}

// stop ends the goroutine and waits for that.
func (d *driver) stop() {
	close(d.quit)
	d.done.Wait()
}

func (d *driver) run(m *Manager) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		d.visitAll(m)
		next := int64(never)
		for i := range m.shards {
			if at, ok := m.shards[i].wheel.Next(); ok {
				next = min(next, at)
			}
		}
		d.alarm.Store(next)
		if d.quitting() || m.intakesEmpty() && !d.sleep(m, timer) {
			return
		}
		d.alarm.Store(awake)
	}
}

// visitAll visits every session that waits or whose timer has fired: first a batch of each shard, and if that leaves any, all, with
// goroutines that help. There are several per processor, for their number decides what part of a busy machine they get, and a
// million sessions that expire together are to be gone a second later.
func (d *driver) visitAll(m *Manager) {
	now, more := m.clock.Exact(), false
	for i := range m.shards {
		more = m.shards[i].step(now) || more
	}
	if more {
		m.inParallel(func(sh *shard) {
			for !d.quitting() && sh.step(now) {
			}
		})
	}
}

func (d *driver) quitting() bool {
	select {
	case <-d.quit:
		return true
	default:
		return false
	}
}

// sleep returns at the alarm, wherever that is brought, or returns false to quit.
func (d *driver) sleep(m *Manager, timer *time.Timer) bool {
	for {
		var at <-chan time.Time
		if alarm := d.alarm.Load(); alarm < never {
			wait := alarm - m.clock.Exact()
			if wait <= 0 {
				return true
			}
			timer.Reset(time.Duration(wait))
			at = timer.C
		}
		select {
		case <-at:
		case <-d.moved:
		case <-d.quit:
			return false
		}
	}
}

// wake brings the alarm forward to the given reading, if it is set for later.
func (d *driver) wake(at int64) {
	for {
		alarm := d.alarm.Load()
		if alarm <= at {
			return
		}
		if d.alarm.CompareAndSwap(alarm, at) {
			select {
			case d.moved <- struct{}{}:
			default:
			}
			return
		}
	}
}

// step visits at most batch sessions from the intake and as many whose timer has fired, and reports whether there are more.
func (sh *shard) step(now int64) (more bool) {
	if sh.waiting == nil {
		sh.waiting = sh.intake.Swap(nil)
	}
	v := visitor{sh: sh, now: now}
	for range batch {
		s := sh.waiting
		if s == nil {
			break
		}
		sh.waiting, s.next = s.next, nil
		s.misc.And(^uint32(queued))
		v.add(s)
	}
	v.finish() // before the wheel: it may have fired the timers of the same sessions
	all := sh.wheel.Advance(now, batch, v.add)
	v.finish()
	sh.m.driver.visits.Add(v.visits)
	return !all || sh.waiting != nil
}

// A visitor visits sessions that come out of a list, a few of them behind. Lists lead through memory that no cache holds: while the processor
// waits for the next session, the visitor visits an earlier one, which has been read ahead by then.
type visitor struct {
	sh     *shard
	now    int64
	few    [2][ahead]*Session
	lane   int        // of few, which is being filled
	n      int        // how many are in it
	ready  []*Session // of the other lane: read ahead, not yet visited
	visits uint64
}

func (v *visitor) add(s *Session) {
	v.visitOne()
	v.few[v.lane][v.n] = s
	if v.n++; v.n == ahead {
		v.ready = v.few[v.lane][:]
		v.lane, v.n = 1-v.lane, 0
		v.sh.readAhead(v.ready, v.now)
	}
}

// visitOne visits the next session that is ready, if there is one.
func (v *visitor) visitOne() {
	if len(v.ready) > 0 {
		v.sh.visit(v.ready[0], v.now)
		v.ready = v.ready[1:]
		v.visits++
	}
}

// finish visits all that are left.
func (v *visitor) finish() {
	for len(v.ready) > 0 {
		v.visitOne()
	}
	v.ready, v.n = v.few[v.lane][:v.n], 0
	v.lane = 1 - v.lane
	for len(v.ready) > 0 {
		v.visitOne()
	}
}

// visit ends s if its time has come, removes it if it no longer lingers, and else arms its timer for when to look again.
func (sh *shard) visit(s *Session, now int64) {
	w := s.settle(now)
	at := int64(never)
	switch {
	case w.phase() == active && s.attached.Load() != 0:
		at = s.expires(now)
	case w.phase() == active:
		at = s.expires(w.activity())
	case !w.ended(): // finished: without linger, the last detach ends it
		if sh.m.linger >= 0 {
			at = s.leaves()
		}
	case !s.gone(now):
		at = s.leaves()
	case !s.over():
		at = now + int64(sh.m.resolution) // Close must find it in the map until end is through
	default:
		sh.remove(s)
	}
	if at < never {
		sh.wheel.Set(&s.timer, at)
	} else {
		sh.wheel.Remove(&s.timer)
	}
}

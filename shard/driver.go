package shard

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// batch is how many sessions of one shard are visited in one step.
const batch = 256

// The driver is the goroutine that ends sessions whose time has come and forgets those that no
// longer linger. The wheels are used by it alone, or by goroutines that it has
// started and waits for.
//
// A session's timer is not moved by activity. When it fires, the driver visits the session, which
// is either due or gets a timer for when it may be: about one visit per TTL, however often the
// session is touched. What makes a visit necessary sooner goes through the shard's intake: creating
// a session, finishing and terminating it.
//
// The driver sleeps until alarm, the reading at which the earliest timer may fire; nothing wakes it
// at intervals. A session that goes into an intake with a later time lets it sleep, one with an
// earlier time brings the alarm forward. The driver sets the alarm and then looks at the intakes
// again; others put a session in and then look at the alarm: one of the two sees the other.
type driver struct {
	// The reading at which the driver looks at everything; awake while it does. Written by the
	// driver and by wake.
	alarm  atomic.Int64
	visits atomic.Uint64 // how many times a session was looked at, ever
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

// visitAll visits every session that waits or whose timer has fired: first a batch of each shard,
// and if that leaves any, all of them, on several goroutines per processor: their number decides
// what part of a busy machine they get, and a million sessions that expire together are to be gone
// a second later.
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

// step visits at most batch sessions from the intake and as many whose timer has fired, and reports
// whether there are more.
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

// schedule has the driver visit s at the given reading, or soon after. Those that are to be visited
// at once are put off by a moment, so that a storm of them wakes the driver once in a while and not
// every time.
func (s *Session) schedule(at int64) {
	if at >= never {
		return
	}
	if s.misc.Or(queued)&queued == 0 {
		for {
			s.next = s.home.intake.Load()
			if s.home.intake.CompareAndSwap(s.next, s) {
				break
			}
		}
	}
	m := s.home.m
	m.driver.wake(max(at, s.home.clock.Now()+int64(m.resolution)))
}

func (m *Manager) intakesEmpty() bool {
	for i := range m.shards {
		if m.shards[i].intake.Load() != nil {
			return false
		}
	}
	return true
}

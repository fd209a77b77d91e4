package tasks

import "sync/atomic"

// Stats describe what an Extension has done since it was made, in this process.
type Stats struct {
	Running int // tasks whose tools have not returned

	Begun   uint64 // tasks, ever
	Refused uint64 // tasks that could not be begun, because the Store had no room or failed

	// How tasks ended here, once their tools had returned.
	Completed, Failed, Cancelled uint64

	Lost uint64 // tasks that others had ended before, see ErrLost; not among the three above
	Dead uint64 // tasks of other processes that had gone, which this one was the first to notice
}

type counters struct {
	begun, refused, completed, failed, cancelled, lost, dead atomic.Uint64
}

// ended counts a task whose tool has returned.
func (c *counters) ended(typ string) {
	switch typ {
	case EventCompleted:
		c.completed.Add(1)
	case EventCancelled:
		c.cancelled.Add(1)
	default:
		c.failed.Add(1)
	}
}

// Stats returns what has been counted so far. What changes meanwhile may be in some fields and not
// yet in others.
func (x *Extension) Stats() Stats {
	x.mu.Lock()
	running := len(x.running)
	x.mu.Unlock()
	c := &x.counters
	return Stats{
		Running: running, Begun: c.begun.Load(), Refused: c.refused.Load(),
		Completed: c.completed.Load(), Failed: c.failed.Load(), Cancelled: c.cancelled.Load(),
		Lost: c.lost.Load(), Dead: c.dead.Load(),
	}
}

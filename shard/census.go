package shard

// A Census counts the active sessions by what is wrong with them, so that one can be told before
// events are lost. A session with several problems counts in each.
type Census struct {
	Active    int // sessions that were looked at, finished ones included
	Unhealthy int // of these, with any problem

	Overtaken, Lagging, Evicting, Unread, Expiring int
}

// Census looks at the health of every session. It costs what Health does for each, most of it
// waiting for memory: on the calling goroutine, a million sessions take about a second. It takes no
// lock for longer than Health does, and may run at any time; sessions that come or go meanwhile may
// be in it or not.
func (m *Manager) Census() (c Census) {
	for s := range m.Sessions() {
		c.Active++
		c.add(s.Health().Problems)
	}
	return c
}

func (c *Census) add(p Problems) {
	count := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	count(&c.Unhealthy, p != 0)
	count(&c.Overtaken, p.Has(Overtaken))
	count(&c.Lagging, p.Has(Lagging))
	count(&c.Evicting, p.Has(Evicting))
	count(&c.Unread, p.Has(Unread))
	count(&c.Expiring, p.Has(Expiring))
}

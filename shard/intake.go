package shard

// schedule has the driver visit s at the given reading, or soon after. Those that are to be visited at once are put off by a
// moment, so that a storm of them wakes the driver once in a while and not every time.
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

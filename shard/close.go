package shard

import "runtime"

// Close ends every session, as Terminate does, and returns when OnEnd has been called for all of
// them and no goroutine of the Manager is left. Called from inside an OnEnd, of this Manager or of
// another, it does not wait for calls of OnEnd: they are still made, and the goroutine that makes
// them ends after the last. An OnEnd that waits for another goroutine's Close waits for ever. Close
// always returns nil; calling it again does nothing but wait. Other methods return [ErrClosed] from
// then on.
func (m *Manager) Close() error {
	m.closed.Store(true)
	m.shutdown.Do(m.endAll)
	m.endCalls.wait()
	return nil
}

func (m *Manager) endAll() {
	// Once no place is taken, none ever will be: see admit. What is in the maps then is all there
	// is to end.
	for last := false; !last; {
		last = m.limits.active.Load() == 0
		m.each((*Session).Terminate)
		if !last {
			runtime.Gosched()
		}
	}
	m.driver.stop()
	m.each(func(s *Session) { s.home.remove(s) })
	for i := range m.shards {
		sh := &m.shards[i]
		sh.sessions.Clear()
		sh.intake.Store(nil)
		sh.waiting, sh.wheel = nil, nil
	}
}

func (m *Manager) each(do func(*Session)) {
	m.inParallel(func(sh *shard) {
		sh.sessions.Range(func(_ key, s *Session) bool {
			do(s)
			return true
		})
	})
}

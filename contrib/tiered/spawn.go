package tiered

import "time"

// patience is how long a goroutine waits for more to do. A new one would have to grow its stack
// first, which takes longer than what it does for one event.
const patience = time.Second

// spawn runs do on a goroutine of its own, and reports whether: not any more once Close has come to
// wait for those.
func (s *Store) spawn(do func()) bool {
	s.spawning.RLock()
	defer s.spawning.RUnlock()
	if s.ctx.Err() != nil {
		return false
	}
	select {
	case s.idle <- do:
	default:
		s.owned.Go(func() { s.work(do) })
	}
	return true
}

// work does what there is to do until there has been nothing for a while.
func (s *Store) work(do func()) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		do()
		do = nil // it is not kept in memory while there is nothing to do
		timer.Reset(patience)
		select {
		case do = <-s.idle:
		case <-timer.C:
			return
		case <-s.ctx.Done():
			return
		}
	}
}

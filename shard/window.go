package shard

import "github.com/reprise-go/reprise/ring"

// A window is what a log held at one moment: it tells how far a reader at some position is behind.
type window struct {
	ring.Stats
	fill float64 // 0 to 1
}

func (s *Session) window() (l window) {
	log := s.readable()
	if log == nil {
		return l
	}
	l.Stats = log.Stats()
	limits := s.Limits()
	l.fill = max(float64(l.Events)/float64(limits.MaxEvents), float64(l.Bytes)/float64(limits.MaxBytes))
	if l.Evicted > 0 {
		l.fill = 1
	}
	return l
}

// hasLost reports whether a reader that has read up to seq needs an event that is gone.
func (l *window) hasLost(seq uint64) bool { return l.Events > 0 && seq+1 < l.First }

// lag returns how many events a reader that has read up to seq has still to read, and how close it
// is to losing one.
func (l *window) lag(seq uint64) (events uint64, danger float64) {
	events = l.Last - min(seq, l.Last)
	if events == 0 || l.Events == 0 {
		return events, 0
	}
	return events, min(1, l.fill*float64(events)/float64(l.Events))
}

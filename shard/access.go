package shard

import "github.com/reprise-go/reprise/internal/shardaccess"

// Package replay reports what readers were handed, and the benchmarks ask how often expiry looks at
// sessions. Neither is of use to applications, so neither is a method.
func init() {
	shardaccess.CountReplay = func(session any, events, gaps int) { session.(*Session).countReplay(events, gaps) }
	shardaccess.Visits = func(manager any) uint64 { return manager.(*Manager).driver.visits.Load() }
}

func (s *Session) countReplay(events, gaps int) {
	if events > 0 {
		s.home.stripe.Replayed.Add(int64(events))
	}
	if gaps > 0 {
		s.home.refused[gapOvertaken].Add(uint64(gaps))
	}
}

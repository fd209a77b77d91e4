package shard

import (
	"github.com/reprise-go/reprise/internal/ringaccess"
	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/ring"
)

// Package replay reports what readers were handed, and the benchmarks ask how often expiry looks at
// sessions; contrib/tiered brings sessions in from a Store. None of this is of use to applications,
// so none of it is a method.
func init() {
	shardaccess.CountReplay = func(session any, events, gaps int) { session.(*Session).countReplay(events, gaps) }
	shardaccess.Visits = func(manager any) uint64 { return manager.(*Manager).driver.visits.Load() }
	shardaccess.NewTag = func() string { return ringaccess.NewTag() }
	shardaccess.Restore = func(
		manager, o any, tag string, before uint64, events []ring.Event, claims []string,
	) (any, error) {
		return manager.(*Manager).restore(o.(Options), tag, before, events, claims)
	}
	shardaccess.Claim = func(session any, key string) bool { return session.(*Session).claimBeyond(key) }
	shardaccess.Claims = func(session any) []string {
		s := session.(*Session)
		return s.claimed(s.claimCount())
	}
}

func (s *Session) countReplay(events, gaps int) {
	if events > 0 {
		s.home.stripe.Replayed.Add(int64(events))
	}
	if gaps > 0 {
		s.home.refused[gapOvertaken].Add(uint64(gaps))
	}
}

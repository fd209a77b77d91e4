package ring

import "github.com/reprise-go/reprise/internal/ringaccess"

// shared is what the rings of a Group have in common beside their limits.
type shared = ringaccess.Shared

// Package shard makes groups of rings. That is of no use to applications, so nothing of it is
// exported.
func init() {
	ringaccess.NewGroup = func(cfg any, common shared) (any, error) { return newGroup(cfg.(Config), common) }
	ringaccess.NewTag = func() string {
		tag := newTag()
		return string(tag[:])
	}
}

// Package shardaccess lets the project's own packages reach into package shard past what
// applications see. Its variables are set once, while package shard is initialized, and only read
// after that: whoever has a session or a manager finds them set.
package shardaccess

import "github.com/reprise-go/reprise/ring"

var (
	// CountReplay adds to Stats.Replayed of a *shard.Session's manager the old events that a reader
	// of the session was handed, and to GapsBy.Overtaken how often it was overtaken by writers.
	// Negative numbers count nothing.
	CountReplay func(session any, events, overtaken int)

	// Visits returns how many times the goroutine that expires sessions has looked at one of a
	// *shard.Manager: when it comes, when it ends, when it goes, and about once per TTL between.
	Visits func(manager any) uint64

	// NewTag returns a tag for the log of a session that is yet to be created: see Restore.
	NewTag func() string

	// Restore puts a session of a *shard.Manager where one was in another process: with its tag, so
	// that IDs and positions which its log assigned stay valid, and with events that follow on the
	// sequence before. Those under an assigned ID get it again. claims are the keys that are
	// claimed, as many as there are. o is a shard.Options with an ID. It returns a *shard.Session,
	// or an error as CreateWith does.
	Restore func(manager, o any, tag string, before uint64, events []ring.Event, claims []string) (any, error)

	// Claim claims a key of a *shard.Session whatever Config.MaxClaims says, if the session is
	// active, and reports whether it was free.
	Claim func(session any, key string) bool

	// Claims returns the keys that are claimed in a *shard.Session, in no order.
	Claims func(session any) []string
)

// Package shardaccess lets the project's own packages reach into package shard past what
// applications see. Its variables are set once, while package shard is initialized, and only read
// after that: whoever has a session or a manager finds them set.
package shardaccess

var (
	// CountReplay adds to Stats.Replayed of a *shard.Session's manager the old events that a reader
	// of the session was handed, and to GapsBy.Overtaken how often it was overtaken by writers.
	// Negative numbers count nothing.
	CountReplay func(session any, events, overtaken int)

	// Visits returns how many times the goroutine that expires sessions has looked at one of a
	// *shard.Manager: when it comes, when it ends, when it goes, and about once per TTL between.
	Visits func(manager any) uint64
)

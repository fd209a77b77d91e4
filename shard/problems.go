package shard

import "strings"

// Problems is a set of the ways in which a session is unhealthy. The zero value is the empty set:
// the session is healthy.
type Problems uint8

// Has reports whether the set holds all of the given problems.
func (p Problems) Has(all Problems) bool { return p&all == all }

// The problems, the worst first. p|q is the union of two sets. Each speaks of an active session;
// one that is finished or has ended has none.
const (
	// Overtaken means that a reader has lost events: writers dropped some that it had not read. It
	// is about to end with ring.ErrEvicted. Larger limits (Config.Ring), or a faster client.
	Overtaken Problems = 1 << iota
	// Lagging means that a reader has gone Thresholds.Danger of the way to that.
	Lagging
	// Evicting means that the log drops events younger than Thresholds.Window: a client whose
	// connection breaks for as long misses some when it comes back.
	Evicting
	// Unread means that events were appended and no reader has been attached for Thresholds.Unread:
	// the client has not come back.
	Unread
	// Expiring means that Thresholds.Idle of the TTL have gone by without activity.
	Expiring
)

var problemNames = []string{"overtaken", "lagging", "evicting", "unread", "expiring"}

// String names the problems, separated by commas: "lagging, expiring", or "none".
func (p Problems) String() string {
	var names []string
	for i, name := range problemNames {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

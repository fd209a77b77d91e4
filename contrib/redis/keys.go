package redis

import (
	"strconv"

	"github.com/zeebo/xxh3"
)

// Buckets is how many parts the sessions of a Store are divided into, by a hash of their IDs. A
// bucket is a hash tag: its keys are in one slot of a cluster, and its sessions share one channel.
// So a process subscribes to at most this many channels, and a slot holds about a thousandth of the
// sessions. Both numbers suit clusters of up to some hundred primaries and millions of sessions.
const Buckets = 1024

// buckets holds what the names of each bucket's keys begin with, which is also its channel.
type buckets [Buckets]string

func newBuckets(prefix string) *buckets {
	var b buckets
	for i := range b {
		b[i] = "{" + prefix + "." + strconv.Itoa(i) + "}"
	}
	return &b
}

func bucketOf(id string) int { return int(xxh3.HashString(id) % Buckets) }

// keys returns the keys of a session, in the order in which all scripts expect them; see
// lua/session.lua.
func (b *buckets) keys(id string) []string {
	tag := b[bucketOf(id)]
	return []string{tag + "s:" + id, tag + "e:" + id, tag + "i:" + id, tag + "l:" + id}
}

func validID(id string) bool {
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 128
}

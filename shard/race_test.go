//go:build race

package shard_test

// slow is how much less the stress tests do under the race detector.
const slow = 10

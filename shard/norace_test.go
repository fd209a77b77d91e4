//go:build !race

package shard_test

const slow = 1

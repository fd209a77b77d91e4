package shard

import (
	"math/bits"
	"testing"
	"unsafe"
)

// What Append reads of a shard, the stopwatch included, lies on one line of 64 bytes that nobody
// writes. Shards fill whole lines where pointers have 64 bits.
func TestWhatAppendReadsOfAShardLiesOnOneLine(t *testing.T) {
	var sh shard
	if size := unsafe.Sizeof(sh); size%64 != 0 && bits.UintSize == 64 {
		t.Errorf("a shard takes %d bytes", size)
	}
	if end := unsafe.Offsetof(sh.watch) + unsafe.Sizeof(sh.watch); end > 64 {
		t.Errorf("watch ends at %d", end)
	}
	if gap := unsafe.Offsetof(sh.intake) - unsafe.Offsetof(sh.sessions) - unsafe.Sizeof(sh.sessions); gap < cacheLine {
		t.Errorf("%d bytes lie between what is read and what is written", gap)
	}
}

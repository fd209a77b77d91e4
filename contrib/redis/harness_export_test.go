package redis

import (
	"fmt"
	"strings"
)

// ErrUncertain is the answer that leaves open whether events were stored.
var ErrUncertain = errUncertain

// KeyOf returns one of the keys of a session, all of which are in one slot.
func KeyOf(prefix, session string) string { return newBuckets(prefix).keys(session)[0] }

// InBucketOf returns the nth ID of some that share a bucket with a session.
func InBucketOf(session string, n int) string {
	for i := 0; ; i++ {
		id := fmt.Sprint("beside-", i)
		if bucketOf(id) != bucketOf(session) {
			continue
		}
		if n == 0 {
			return id
		}
		n--
	}
}

// SlotOf returns the slot of a key that has a hash tag: CRC16 (XMODEM) of the tag, modulo 16384, as
// the cluster specification says.
func SlotOf(key string) int {
	_, tag, _ := strings.Cut(key, "{")
	tag, _, _ = strings.Cut(tag, "}")
	var crc uint16
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % 16384
}

// KeysOf returns the keys of a session.
func KeysOf(prefix, session string) []string { return newBuckets(prefix).keys(session) }

package pebble

import "encoding/binary"

// Keys. Numbers in keys are 8 bytes, the highest first, so that Pebble's order of bytes is the
// order of the numbers. Every session has an incarnation, a number that is never given twice in a
// directory: what belongs to a session is kept under that and not under its ID, so that a session
// whose ID is used again has nothing in common with the one before.
//
//	a <incarnation>            state: what changes but by most appends; see state.go
//	c <incarnation> <key>      a claim; no value
//	e <incarnation> <sequence> an event, without a hole from first to last; see record.go
//	g <incarnation>            an ended session whose events are still to be removed
//	i <incarnation> <event ID> the sequence of an event with an ID that follows from nothing else
//	m alive                    the last time at which there were readers; see load.go
//	m epoch                    how often the directory was opened
//	s <session ID>             what Create and Update set; see meta.go
//	x <time> <incarnation>     session ID: when to look at the session next
//
// A session has one x key. Activity does not move it: when its time has come the session is looked
// at, and the key is moved to the time that counts now, so that a session is written to once per
// TTL and not once per activity on this account.
const (
	prefixState   = 'a'
	prefixClaim   = 'c'
	prefixEvent   = 'e'
	prefixGarbage = 'g'
	prefixIndex   = 'i'
	prefixMeta    = 'm'
	prefixSession = 's'
	prefixExpiry  = 'x'
)

var (
	aliveKey = []byte("malive")
	epochKey = []byte("mepoch")
)

func numberKey(prefix byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, n)
}

func stateKey(inc uint64) []byte   { return numberKey(prefixState, inc) }
func garbageKey(inc uint64) []byte { return numberKey(prefixGarbage, inc) }
func sessionKey(id string) []byte  { return append([]byte{prefixSession}, id...) }

const eventKeyLen = 1 + 8 + 8

func eventKey(inc, seq uint64) []byte {
	return appendEventKey(make([]byte, 0, eventKeyLen), inc, seq)
}

func appendEventKey(dst []byte, inc, seq uint64) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, prefixEvent), inc)
	return binary.BigEndian.AppendUint64(dst, seq)
}

func indexKey(inc uint64, id string) []byte  { return append(numberKey(prefixIndex, inc), id...) }
func claimKey(inc uint64, key string) []byte { return append(numberKey(prefixClaim, inc), key...) }

// expiryKey takes a time in nanoseconds since 1970; one before that sorts as 1970.
func expiryKey(at int64, inc uint64) []byte {
	return binary.BigEndian.AppendUint64(numberKey(prefixExpiry, uint64(max(0, at))), inc)
}

// timeOf returns the time in an expiry key.
func timeOf(key []byte) (at int64, inc uint64, ok bool) {
	if len(key) != 17 {
		return 0, 0, false
	}
	return int64(binary.BigEndian.Uint64(key[1:])), binary.BigEndian.Uint64(key[9:]), true
}

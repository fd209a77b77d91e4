package mcpgo

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"time"
)

// A session ID is a time, random bytes and an HMAC-SHA256 of both, in base64: its issuer recognises
// it without remembering it, since nothing remembers a session before its first event. What is
// secret about it is the random part; the rest only keeps strangers out.
const (
	timeBytes   = 5  // ticks since 1970, big-endian
	randomBytes = 15 // 120 bits
	macBytes    = 16
	bodyBytes   = timeBytes + randomBytes
	idBytes     = bodyBytes + macBytes

	maxSessionID = 128 // what a Store takes
	minKey       = 16
)

// macContext keeps these MACs apart from others under the same key.
const macContext = "reprise mcpgo session ID 2\n"

// A tick is the unit of time in which IDs are judged. A minting is rounded up to it and the present
// down, so that no ID ends early.
const tick = 100 * time.Millisecond

func ticksUp(t time.Time) int64   { return ticksDown(t.Add(tick - 1)) }
func ticksDown(t time.Time) int64 { return t.UnixNano() / int64(tick) }

type minter struct{ key []byte }

// newMinter signs with a copy of key, or with a random one when key is empty.
func newMinter(key []byte) minter {
	m := minter{append([]byte(nil), key...)}
	if len(key) == 0 {
		m.key = make([]byte, sha256.Size)
		rand.Read(m.key)
	}
	return m
}

func (m minter) mint(now time.Time) string {
	var id [idBytes]byte
	ticks := uint64(ticksUp(now))
	for i := range timeBytes {
		id[i] = byte(ticks >> (8 * (timeBytes - 1 - i)))
	}
	rand.Read(id[timeBytes:bodyBytes])
	copy(id[bodyBytes:], m.mac(id[:bodyBytes]))
	return encoding.EncodeToString(id[:])
}

// minted returns when id was minted, in ticks, or false if it was not under this key.
func (m minter) minted(id string) (int64, bool) {
	if len(id) != idBytes/3*4 || !printable(id) { // decoding would pass over line breaks
		return 0, false
	}
	raw, err := encoding.DecodeString(id)
	if err != nil || !hmac.Equal(raw[bodyBytes:], m.mac(raw[:bodyBytes])) {
		return 0, false
	}
	var ticks int64
	for _, b := range raw[:timeBytes] {
		ticks = ticks<<8 | int64(b)
	}
	return ticks, true
}

func (m minter) mac(body []byte) []byte {
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte(macContext))
	h.Write(body)
	return h.Sum(nil)[:macBytes]
}

// wellFormed reports whether id could be a session's.
func wellFormed(id string) bool { return id != "" && len(id) <= maxSessionID && printable(id) }

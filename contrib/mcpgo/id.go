package mcpgo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"strings"

	"github.com/reprise-go/reprise/ring"
)

// An event ID is a token of fixed length, a dot and the name of the stream. The token is a random
// number and a seal: a hash of the session, the name and the number under a seed of this
// EventStore. The seal tells an ID that was issued and is gone from one that never was, without
// remembering any, and keeps the IDs of two processes apart. It protects nothing: whoever forges
// one learns that it is gone.
const (
	tokenBytes = 16
	tokenLen   = (tokenBytes*8 + 5) / 6
	maxName    = ring.MaxIDBytes - tokenLen - 1
)

var encoding = base64.RawURLEncoding.Strict()

// newID returns an ID for the next event of a stream. No two are the same.
func (es *EventStore) newID(sessionID, name string) string {
	var token [tokenBytes]byte
	nonce := rand.Uint64()
	binary.BigEndian.PutUint64(token[:8], nonce)
	binary.BigEndian.PutUint64(token[8:], es.seal(sessionID, name, nonce))
	var buf [ring.MaxIDBytes]byte
	id := append(encoding.AppendEncode(buf[:0], token[:]), '.')
	return string(append(id, name...))
}

func (es *EventStore) seal(sessionID, name string, nonce uint64) uint64 {
	return maphash.Comparable(es.seed, struct {
		session, name string
		nonce         uint64
	}{sessionID, name, nonce})
}

// issued reports whether newID has returned id for this session.
func (es *EventStore) issued(sessionID, id string) bool {
	name, ok := nameOf(id)
	if !ok {
		return false
	}
	token, err := encoding.DecodeString(id[:tokenLen]) // would pass over line breaks, which nameOf refuses
	return err == nil && binary.BigEndian.Uint64(token[8:]) == es.seal(sessionID, name, binary.BigEndian.Uint64(token))
}

// nameOf returns the name of the stream that an ID belongs to, if newID may have returned it.
func nameOf(id string) (string, bool) {
	if len(id) <= tokenLen || len(id) > ring.MaxIDBytes || id[tokenLen] != '.' || !printable(id) {
		return "", false
	}
	return id[tokenLen+1:], true
}

// streamName returns the name under which the Store knows a stream: the stream ID itself when it is
// "" or short printable ASCII, which the SDK's always are, and "~" with its SHA-256 otherwise.
// Distinct streams have distinct names: a stream ID that begins with "~" is hashed too.
func streamName(streamID string) string {
	if len(streamID) <= maxName && !isHashed(streamID) && printable(streamID) {
		return streamID
	}
	sum := sha256.Sum256([]byte(streamID))
	return "~" + encoding.EncodeToString(sum[:])
}

func isHashed(name string) bool { return strings.HasPrefix(name, "~") }

// printable reports whether all of s is 0x21 to 0x7E, which an HTTP header carries unchanged.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

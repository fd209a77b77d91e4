package gosdk

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// maxPlain is the length up to which a stream ID stands for itself, in bytes. With "_" and the
// longest index the event ID stays far below the ring's 256 bytes.
const maxPlain = 128

// ringStream returns the name under which the ring knows a stream: the stream ID itself when it is
// "" or short printable ASCII, and "~" with its SHA-256 otherwise, for the SDK's interface allows
// any text and the ring does not. Distinct streams have distinct names: a plain ID that begins with
// "~" is hashed too.
func ringStream(streamID string) string {
	if plain(streamID) {
		return streamID
	}
	sum := sha256.Sum256([]byte(streamID))
	return "~" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func plain(streamID string) bool {
	if len(streamID) > maxPlain || strings.HasPrefix(streamID, "~") {
		return false
	}
	for i := range len(streamID) {
		if c := streamID[i]; c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// eventID is the ID of one event in the ring: the stream's name, "_" and the index in decimal. For
// the stream IDs that the SDK makes it is the very ID that the SDK puts on the wire. The index
// holds no "_", so the last one separates.
func eventID(stream string, index uint64) string {
	var buf [maxPlain + 24]byte
	b := append(buf[:0], stream...)
	b = append(b, '_')
	return string(strconv.AppendUint(b, index, 10))
}

// indexOf is the inverse of eventID for one stream: it accepts exactly what eventID returns.
func indexOf(stream, id string) (index uint64, ok bool) {
	digits, ok := strings.CutPrefix(id, stream)
	if !ok || len(digits) < 2 || digits[0] != '_' {
		return 0, false
	}
	digits = digits[1:]
	if digits[0] == '0' && digits != "0" {
		return 0, false
	}
	index, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	return index, true
}

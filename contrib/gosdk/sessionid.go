package gosdk

import (
	"crypto/rand"
	"encoding/hex"
)

// NewSessionID mints a session ID for mcp.ServerOptions.GetSessionID: a random UUID (version 4) in lower case. It only mints; the
// session comes into being with its first stream. It cannot fail, costs less than a microsecond and is safe for concurrent use.
func NewSessionID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

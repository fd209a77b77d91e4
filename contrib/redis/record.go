package redis

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/ring"
)

// An event is an entry `<sequence>-<milliseconds>` of its session's stream, with the header in field h and the data in field d. The header is
//
//	token 8 bytes | time 8 | length of the ID 2 | length of the stream 2 | ID | stream | type
//
// in little-endian order. The token is 40 random bits in text. It tells an event from another one that a server gives the same sequence
// after it has lost the first, and a repeated append from a new one. An ID of length 0 was assigned: it is
//
//	<tag>-<sequence>-<token>
//
// with the tag of the session. So an ID never names another event than the one it was given to, whatever the server has lost meanwhile.
const (
	tagLen    = 12
	tokenLen  = 8
	headerLen = 20 // before the ID
)

// randomText returns n ≤ 12 characters of five random bits each.
func randomText(n int) string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	bits, text := rand.Uint64(), make([]byte, n)
	for i := range text {
		text[i] = alphabet[bits>>(5*i)&31]
	}
	return string(text)
}

func header(e ring.Event, token string) string {
	b := make([]byte, 0, headerLen+len(e.ID)+len(e.Stream)+len(e.Type))
	b = append(b, token...)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Time.UnixNano()))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.ID)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.Stream)))
	b = append(b, e.ID...)
	b = append(b, e.Stream...)
	b = append(b, e.Type...)
	return rueidis.BinaryString(b)
}

// decode fills e from a header. It returns false when that is none of ours.
func decode(e *ring.Event, tag string, seq uint64, header string) bool {
	if len(header) < headerLen {
		return false
	}
	id := int(header[16]) | int(header[17])<<8
	stream := int(header[18]) | int(header[19])<<8
	rest := header[headerLen:]
	if len(rest) < id+stream {
		return false
	}
	e.Seq = seq
	e.Time = time.Unix(0, int64(binary.LittleEndian.Uint64([]byte(header[8:16]))))
	e.ID, e.Stream, e.Type = rest[:id], rest[id:id+stream], rest[id+stream:]
	if id == 0 {
		e.ID = tag + "-" + strconv.FormatUint(seq, 10) + "-" + header[:tokenLen]
	}
	return true
}

// seqOf returns the sequence of an entry.
func seqOf(entry string) uint64 {
	n, _, _ := strings.Cut(entry, "-")
	seq, _ := strconv.ParseUint(n, 10, 64)
	return seq
}

package redis

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// An event is an entry `<sequence>-<milliseconds>` of its session's stream, with one field, the
// record:
//
//	token 8 bytes | time 8 | lengths of ID, stream and type, 2 each | ID | stream | type | data
//
// in little-endian order. The token is 40 random bits in text. It tells an event from another one
// that a server gives the same sequence after it has lost the first, and a repeated append from a
// new one. An ID of length 0 was assigned: it is
//
//	<tag>-<sequence>-<token>
//
// with the tag of the session. So an ID never names another event than the one it was given to,
// whatever the server has lost meanwhile.
const (
	tagLen    = 12
	tokenLen  = 8
	headerLen = 22 // before the ID
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

// record returns the record of e. Its end is a copy of the data.
func record(e ring.Event, token string) []byte {
	b := make([]byte, 0, headerLen+e.Size())
	b = append(b, token...)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Time.UnixNano()))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.ID)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.Stream)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.Type)))
	b = append(b, e.ID...)
	b = append(b, e.Stream...)
	b = append(b, e.Type...)
	return append(b, e.Data...)
}

// decode fills e from a record. It returns false when that is none of ours.
func decode(e *ring.Event, tag string, seq uint64, record string) bool {
	if len(record) < headerLen {
		return false
	}
	length := func(at int) int { return int(record[at]) | int(record[at+1])<<8 }
	id, stream, kind := length(16), length(18), length(20)
	rest := record[headerLen:]
	if len(rest) < id+stream+kind {
		return false
	}
	e.Seq = seq
	e.Time = time.Unix(0, int64(binary.LittleEndian.Uint64([]byte(record[8:16]))))
	e.ID, rest = rest[:id], rest[id:]
	e.Stream, rest = rest[:stream], rest[stream:]
	e.Type, rest = rest[:kind], rest[kind:]
	e.Data = []byte(rest)
	if id == 0 {
		e.ID = assignedID(tag, seq, record[:tokenLen])
	}
	return true
}

func assignedID(tag string, seq uint64, token string) string {
	return tag + "-" + strconv.FormatUint(seq, 10) + "-" + token
}

// seqOf returns the sequence of an entry.
func seqOf(entry string) uint64 {
	n, _, _ := strings.Cut(entry, "-")
	seq, _ := strconv.ParseUint(n, 10, 64)
	return seq
}

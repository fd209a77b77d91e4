package soak_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// filling is what payloads are stretched with.
var filling = strings.Repeat("abcdefghijklmnopqrstuvwxyz", 200)

// A payload says whose event it is and proves that it is whole: session, writer, the writer's
// counter in that session, filling and checksum. It is text without line ends, so that it survives
// HTTP.
func appendPayload(b []byte, session string, writer int, counter uint64, fill int) []byte {
	b = append(b[:0], session...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(writer), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, counter, 10)
	b = append(b, ' ')
	b = append(b, filling[counter%26:][:fill]...)
	b = append(b, ' ')
	return strconv.AppendUint(b, uint64(crc32.ChecksumIEEE(b)), 16)
}

// A trail is what a follower knows of one session. Each event must be the next one of its writer.
type trail struct {
	session string
	lastID  string         // "" before the first event
	next    map[int]uint64 // counter, by writer; a writer joins with its first event
}

func newTrail(session string) *trail { return &trail{session: session, next: map[int]uint64{}} }

// see checks an event's data and moves on.
func (t *trail) see(id string, data []byte) error {
	cut := bytes.LastIndexByte(data, ' ') + 1
	if sum, err := strconv.ParseUint(string(data[cut:]), 16,
		32); err != nil || crc32.ChecksumIEEE(data[:cut]) != uint32(sum) {
		return fmt.Errorf("session %s: event %s is torn: %.100q", t.session, id, data)
	}
	fields := bytes.SplitN(data, []byte(" "), 4)
	writer, err := strconv.Atoi(string(fields[1]))
	if err != nil || string(fields[0]) != t.session {
		return fmt.Errorf("session %s: event %s is another's: %.100q", t.session, id, data)
	}
	counter, err := strconv.ParseUint(string(fields[2]), 10, 64)
	if want, known := t.next[writer]; err != nil || known && counter != want {
		return fmt.Errorf("session %s: event %s, after %s, is number %d of writer %d, want %d", t.session, id,
			t.lastID, counter, writer, want)
	}
	t.next[writer] = counter + 1
	t.lastID = id
	return nil
}

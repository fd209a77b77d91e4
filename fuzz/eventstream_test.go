package fuzz_test

import (
	"strings"
	"unicode/utf8"
)

// A dispatched event is what a browser hands to the page (WHATWG HTML, section 9.2.6).
type dispatched struct{ lastEventID, typ, data string }

// A parsed stream is all that a browser makes of the bytes of an event stream.
type parsed struct {
	events   []dispatched
	comments int
	ignored  int // lines with a field that does not exist, or retry with no number
	retry    string
	unended  bool // the stream ends within an event, which is then discarded
}

// parseEventStream reads a whole stream as the standard says: decode, split, interpret.
func parseEventStream(stream []byte) (p parsed) {
	var lastEventID, typ string
	var data strings.Builder
	text := strings.TrimPrefix(decodeUTF8(stream), "\ufeff")
	lines := strings.Split(unifyLineEnds(text), "\n")
	for _, line := range lines[:len(lines)-1] {
		name, value, colon := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if data.Len() > 0 {
				p.events = append(p.events, dispatched{lastEventID, typ, strings.TrimSuffix(data.String(), "\n")})
			}
			typ = ""
			data.Reset()
		case colon && name == "":
			p.comments++
		case name == "event":
			typ = value
		case name == "data":
			data.WriteString(value + "\n")
		case name == "id" && !strings.Contains(value, "\x00"):
			lastEventID = value
		case name == "retry" && value != "" && strings.Trim(value, "0123456789") == "":
			p.retry = value
		default:
			p.ignored++
		}
	}
	p.unended = lines[len(lines)-1] != "" || data.Len() > 0 || typ != ""
	for i := range p.events {
		if p.events[i].typ == "" {
			p.events[i].typ = "message"
		}
	}
	return p
}

func unifyLineEnds(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// decodeUTF8 is the UTF-8 decoder of the WHATWG Encoding Standard: the longest prefix of a sequence
// that could have gone on to be valid is one U+FFFD, and the byte that broke it is looked at again.
// (A range over a Go string replaces each byte.)
func decodeUTF8(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		if r, n := utf8.DecodeRune(b); r != utf8.RuneError || n > 1 {
			out.WriteRune(r)
			b = b[n:]
			continue
		}
		out.WriteRune(utf8.RuneError)
		b = b[brokenPrefix(b):]
	}
	return out.String()
}

// brokenPrefix returns how many of the bytes at the start of b, which is not valid UTF-8 there, one
// U+FFFD stands for.
func brokenPrefix(b []byte) int {
	low, high, more := byte(0x80), byte(0xbf), 0
	switch lead := b[0]; {
	case lead >= 0xc2 && lead <= 0xdf:
		more = 1
	case lead >= 0xe0 && lead <= 0xef:
		more = 2
	case lead >= 0xf0 && lead <= 0xf4:
		more = 3
	}
	switch b[0] {
	case 0xe0:
		low = 0xa0
	case 0xed:
		high = 0x9f
	case 0xf0:
		low = 0x90
	case 0xf4:
		high = 0x8f
	}
	n := 1
	for n <= more && n < len(b) && b[n] >= low && b[n] <= high {
		low, high = 0x80, 0xbf
		n++
	}
	return n
}

package replay

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// received is an event as a browser dispatches it.
type received struct {
	LastEventID, Type, Data string
}

// parser interprets an event stream as section 9.2.6 of the WHATWG HTML standard says. It shares no
// code with the encoder.
type parser struct {
	pending     []byte // not yet a whole line
	begun       bool   // the byte order mark has been looked for
	afterCR     bool   // an LF that comes now belongs to the line end before
	data        []byte
	typ         string
	idBuffer    string // what the next dispatch makes the last event ID
	lastEventID string
	retry       int // -1: none was sent
	comments    int
	events      []received
}

func newParser() *parser { return &parser{retry: -1} }

func parse(stream []byte) *parser {
	p := newParser()
	p.Write(stream)
	return p
}

func (p *parser) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if b[0] == '\n' && p.afterCR {
			b, p.afterCR = b[1:], false
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			end = len(b)
		}
		if cr := bytes.IndexByte(b[:end], '\r'); cr >= 0 {
			end = cr
		}
		p.pending = append(p.pending, b[:end]...)
		p.afterCR = false
		if end < len(b) {
			p.afterCR = b[end] == '\r'
			p.line(decode(p.pending, !p.begun))
			p.begun = true
			p.pending = p.pending[:0]
			end++
		}
		b = b[end:]
	}
	return n, nil
}

// decode is "UTF-8 decode": a leading byte order mark goes, invalid sequences become U+FFFD.
func decode(line []byte, first bool) string {
	if first {
		line = bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF"))
	}
	if utf8.Valid(line) {
		return string(line)
	}
	var s strings.Builder
	for _, r := range string(line) {
		s.WriteRune(r)
	}
	return s.String()
}

func (p *parser) line(line string) {
	if line == "" {
		p.dispatch()
		return
	}
	colon := strings.IndexByte(line, ':')
	switch {
	case colon == 0:
		p.comments++
	case colon > 0:
		value := line[colon+1:]
		if len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		p.field(line[:colon], value)
	default:
		p.field(line, "")
	}
}

func (p *parser) field(name, value string) {
	switch name {
	case "event":
		p.typ = value
	case "data":
		p.data = append(append(p.data, value...), '\n')
	case "id":
		if !strings.Contains(value, "\x00") {
			p.idBuffer = value
		}
	case "retry":
		if n, err := strconv.Atoi(value); err == nil && strings.Trim(value, "0123456789") == "" {
			p.retry = n
		}
	}
}

func (p *parser) dispatch() {
	p.lastEventID = p.idBuffer
	if len(p.data) == 0 {
		p.typ = ""
		return
	}
	typ := p.typ
	if typ == "" {
		typ = "message"
	}
	p.events = append(p.events, received{p.lastEventID, typ, string(p.data[:len(p.data)-1])})
	p.data, p.typ = p.data[:0], ""
}

package replay

import (
	"bytes"
	"slices"

	"github.com/reprise-go/reprise/ring"
)

// AppendSSE appends e to dst in the event-stream format of the WHATWG HTML standard, section 9.2,
// and returns the extended slice: an id line unless ID is empty, which would erase the client's
// place, an event line unless Type is empty, a data line for every line of Data, and the blank line
// that dispatches the event. Seq, Stream and Time are not written.
//
// CR, LF and CRLF in Data each begin a new data line; a client puts them together again with LF.
// Empty Data is one empty data line: a browser dispatches it with data "", and it is the form of
// MCP's priming event. CR, LF and NUL in ID and Type, which no ring stores, are written as spaces,
// so that no event can forge another line.
//
// It allocates only where dst is too small, and costs a copy and two searches when Data is a single
// line.
func AppendSSE(dst []byte, e ring.Event) []byte {
	dst = slices.Grow(dst, e.Size()+sseOverhead)
	if e.ID != "" {
		dst = appendField(append(dst, "id: "...), e.ID)
	}
	if e.Type != "" {
		dst = appendField(append(dst, "event: "...), e.Type)
	}
	return append(appendData(dst, e.Data), '\n')
}

// sseOverhead is what an event with a single line of data costs beyond its Size: field names and
// line ends.
const sseOverhead = len("id: \nevent: \ndata: \n\n")

func appendField(dst []byte, value string) []byte {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c == '\r' || c == '\n' || c == 0 {
			return appendCleaned(dst, value)
		}
	}
	return append(append(dst, value...), '\n')
}

func appendCleaned(dst []byte, value string) []byte {
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '\r' || c == '\n' || c == 0 {
			c = ' '
		}
		dst = append(dst, c)
	}
	return append(dst, '\n')
}

// appendData copies first, as if data were a single line, and searches the copy: the copy is what
// reads a payload that no cache holds, in one go, and the searches find it in the nearest one.
func appendData(dst, data []byte) []byte {
	begin := len(dst)
	dst = append(append(dst, "data: "...), data...)
	line := dst[len(dst)-len(data):]
	if bytes.IndexByte(line, '\n') < 0 && bytes.IndexByte(line, '\r') < 0 {
		return append(dst, '\n')
	}
	return appendLines(dst[:begin], data)
}

// appendLines remembers where the next CR and the next LF are, so that data with many of one and
// none of the other is still searched only once.
func appendLines(dst, data []byte) []byte {
	cr, lf := bytes.IndexByte(data, '\r'), bytes.IndexByte(data, '\n')
	for {
		dst = append(dst, "data: "...)
		end := lf
		if cr >= 0 && (lf < 0 || cr < lf) {
			end = cr
		}
		if end < 0 {
			return append(append(dst, data...), '\n')
		}
		dst = append(append(dst, data[:end]...), '\n')
		next := end + 1
		if end == cr && lf == next {
			next++ // CRLF is one line end
		}
		data = data[next:]
		cr, lf = advance(data, '\r', cr, next), advance(data, '\n', lf, next)
	}
}

// advance returns where c is in data, given that it was at position at before next bytes were cut
// off the front.
func advance(data []byte, c byte, at, next int) int {
	switch {
	case at < 0:
		return -1
	case at >= next:
		return at - next
	}
	return bytes.IndexByte(data, c)
}

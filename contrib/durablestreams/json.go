package durablestreams

import "strings"

// maxDepth is how deep arrays and objects may be nested, as in encoding/json.
const maxDepth = 10_000

// elements appends to all what a body in JSON mode consists of: the elements of an array, or one
// value. They are parts of the body, without the space around them. It is false for what is not
// JSON as encoding/json has it, which it does not use because that would read the body three times:
// to see whether it is valid, to find an element's end, and to copy it.
func elements(all [][]byte, body []byte) (_ [][]byte, ok bool) {
	begin := skipSpace(body, 0)
	if begin == len(body) || body[begin] != '[' {
		end := skipValue(body, begin, 0)
		if end < 0 || skipSpace(body, end) != len(body) {
			return nil, false
		}
		return append(all, body[begin:end]), true
	}
	end := skipList(body, begin, ']', func(at int) int {
		next := skipValue(body, at, 1)
		if next > 0 {
			all = append(all, body[at:next])
		}
		return next
	})
	return all, end > 0 && skipSpace(body, end) == len(body)
}

// The functions below return the index behind what is at b[i], or -1 if that is something else.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue is for any value; depth is how many arrays and objects it is in.
func skipValue(b []byte, i, depth int) int {
	if i >= len(b) || depth > maxDepth {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '[':
		if depth == maxDepth {
			return -1
		}
		return skipList(b, i, ']', func(at int) int { return skipValue(b, at, depth+1) })
	case '{':
		if depth == maxDepth {
			return -1
		}
		return skipList(b, i, '}', func(at int) int { return skipMember(b, at, depth+1) })
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	}
	return skipNumber(b, i)
}

// skipList is for an array or an object, whose items are for skipItem.
func skipList(b []byte, i int, end byte, skipItem func(at int) int) int {
	if i = skipSpace(b, i+1); i < len(b) && b[i] == end {
		return i + 1
	}
	for {
		if i = skipItem(i); i < 0 {
			return -1
		}
		i = skipSpace(b, i)
		switch {
		case i == len(b):
			return -1
		case b[i] == end:
			return i + 1
		case b[i] != ',':
			return -1
		}
		i = skipSpace(b, i+1)
	}
}

func skipMember(b []byte, i, depth int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i = skipString(b, i); i < 0 {
		return -1
	}
	if i = skipSpace(b, i); i == len(b) || b[i] != ':' {
		return -1
	}
	return skipValue(b, skipSpace(b, i+1), depth)
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			i++
			if i == len(b) || strings.IndexByte(`"\/bfnrtu`, b[i]) < 0 {
				return -1
			}
			if b[i] == 'u' {
				if i+4 >= len(b) || !isHex(b[i+1]) || !isHex(b[i+2]) || !isHex(b[i+3]) || !isHex(b[i+4]) {
					return -1
				}
				i += 4
			}
		}
	}
	return -1
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func skipWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

func skipNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = skipDigits(b, i); i < 0 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return skipDigits(b, i)
	}
	return i
}

// skipDigits is for one digit or more.
func skipDigits(b []byte, i int) int {
	if i >= len(b) || !isDigit(b[i]) {
		return -1
	}
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

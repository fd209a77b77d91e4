package durablestreams

import "strings"

// An offset counts the messages of a stream up to a place: 0 is before the first.
//
// On the wire it is that number and the place inside the next message, which is always 0 so far;
// both have 16 digits, so that offsets sort as bytes. (Clients are not to know, but the protocol's
// own test suite writes the first offset of all like that.) The ID of an event is the first half of
// the offset just after it.
type offset uint64

const (
	offsetDigits = 16
	wholeMessage = "_0000000000000000"
)

// The offsets that a client may send and that name no fixed place.
const (
	fromStart = "-1"
	fromNow   = "now"
)

// String is the offset on the wire.
func (o offset) String() string {
	var b [offsetDigits + len(wholeMessage)]byte
	copy(b[offsetDigits:], wholeMessage)
	o.digits(b[:offsetDigits])
	return string(b[:])
}

func (o offset) eventID() string {
	var b [offsetDigits]byte
	o.digits(b[:])
	return string(b[:])
}

// digits fills b. A log has at most 2^40 events, so that 16 digits are enough.
func (o offset) digits(b []byte) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + o%10)
		o /= 10
	}
}

// parseOffset reads what String has written, and nothing else.
func parseOffset(s string) (offset, bool) {
	s, ok := strings.CutSuffix(s, wholeMessage)
	if !ok {
		return 0, false
	}
	return parseEventID(s)
}

// parseEventID reads what eventID has written.
func parseEventID(s string) (offset, bool) {
	if len(s) != offsetDigits {
		return 0, false
	}
	n := offset(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + offset(s[i]-'0')
	}
	return n, true
}

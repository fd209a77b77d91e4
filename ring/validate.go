package ring

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	minTime = time.Unix(0, math.MinInt64)
	maxTime = time.Unix(0, math.MaxInt64)
)

// tooLarge is the error for an event of a size above Group.maxSize.
func (g *Group) tooLarge(size int) error {
	if size > int(g.maxEventBytes) {
		return fmt.Errorf(
			"%w: its size is %d bytes, Config.MaxEventBytes is %d",
			ErrEventTooLarge,
			size,
			g.maxEventBytes,
		)
	}
	return fmt.Errorf(
		"%w: its size is %d bytes and %d of overhead, Config.MaxBytes is %d",
		ErrEventTooLarge,
		size,
		Overhead,
		g.maxBytes,
	)
}

// checkFields says whether the fields of e may be stored. ID, Stream and Type must survive the SSE
// wire format, and the ID an HTTP header as well (WHATWG HTML, section 9.2; RFC 9110, section 5.5).
func checkFields(e *Event) error {
	if !printable(e.ID) {
		if err := checkID(e.ID); err != nil {
			return err
		}
	}
	if !printable(e.Stream) {
		if err := checkLine("Stream", e.Stream); err != nil {
			return err
		}
	}
	if !printable(e.Type) {
		if err := checkLine("Type", e.Type); err != nil {
			return err
		}
	}
	if !e.Time.IsZero() && (e.Time.Before(minTime) || e.Time.After(maxTime)) {
		return fmt.Errorf("%w: Time is %v, want the years 1678 to 2261", ErrInvalidEvent, e.Time)
	}
	return nil
}

// checkLine wants at most MaxIDBytes of UTF-8 without NUL, CR and LF.
func checkLine(field, s string) error {
	switch {
	case len(s) > MaxIDBytes:
		return fmt.Errorf("%w: %s is %d bytes long, at most %d: %.40q…", ErrInvalidEvent, field, len(s), MaxIDBytes, s)
	case !utf8.ValidString(s):
		return fmt.Errorf("%w: %s is not UTF-8: %q", ErrInvalidEvent, field, s)
	case strings.ContainsAny(s, "\x00\r\n"):
		return fmt.Errorf("%w: %s contains NUL, CR or LF: %q", ErrInvalidEvent, field, s)
	}
	return nil
}

func checkID(id string) error {
	if err := checkLine("ID", id); err != nil {
		return err
	}
	if strings.ContainsFunc(id, unicode.IsControl) {
		return fmt.Errorf("%w: ID contains a control character: %q", ErrInvalidEvent, id)
	}
	if id != strings.Trim(id, " \t") {
		return fmt.Errorf("%w: ID begins or ends with a space: %q", ErrInvalidEvent, id)
	}
	return nil
}

// printable reports whether s is short and all of it is 0x21 to 0x7E, eight bytes at a time: what
// nearly every ID, Stream and Type is, and always valid. The rest is for the slow checks.
func printable(s string) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	if len(s) > MaxIDBytes {
		return false
	}
	if len(s) >= 8 {
		// A byte from 0x80 has its high bit set; one below 0x21 borrows into it; 0x7F carries into
		// it.
		for i := 0; ; i = min(i+8, len(s)-8) {
			w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
				uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
			if (w|(w-0x21*ones)|(w+ones))&high != 0 {
				return false
			}
			if i+8 == len(s) {
				return true
			}
		}
	}
	for i := range len(s) {
		if s[i]-0x21 > 0x7E-0x21 {
			return false
		}
	}
	return true
}

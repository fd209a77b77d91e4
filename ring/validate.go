package ring

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	minTime = time.Unix(0, math.MinInt64)
	maxTime = time.Unix(0, math.MaxInt64)
)

// Check says whether a ring with these limits would refuse e whatever it retains: with a
// *ConfigError, or as Append with ErrInvalidEvent or ErrEventTooLarge. It is for Stores that keep
// events elsewhere.
func (c Config) Check(e Event) error {
	c, err := c.Complete()
	if err != nil {
		return err
	}
	if err := checkFields(&e, c.MaxIDBytes, c.StrictIDs); err != nil {
		return err
	}
	if size := e.Size(); size > min(c.MaxEventBytes, c.MaxBytes-Overhead) {
		return &sizeError{size, c.MaxEventBytes, c.MaxBytes}
	}
	return nil
}

// checkFields says whether the fields of e may be stored. ID, Stream and Type must survive the SSE
// wire format, and the ID an HTTP header as well (WHATWG HTML, section 9.2; RFC 9110, section 5.5).
func checkFields(e *Event, maxID int, strict bool) error {
	if !printable(e.ID, maxID) {
		if err := checkID(e.ID, maxID, strict); err != nil {
			return err
		}
	}
	if !printable(e.Stream, MaxIDBytes) {
		if err := checkLine("Stream", e.Stream, MaxIDBytes); err != nil {
			return err
		}
	}
	if !printable(e.Type, MaxIDBytes) {
		if err := checkLine("Type", e.Type, MaxIDBytes); err != nil {
			return err
		}
	}
	if !e.Time.IsZero() && (e.Time.Before(minTime) || e.Time.After(maxTime)) {
		return &FieldError{"Time", e.Time.String(), "it is not in the years 1678 to 2261"}
	}
	return nil
}

// checkLine wants at most so many bytes of UTF-8 without NUL, CR and LF.
func checkLine(field, s string, most int) error {
	switch {
	case len(s) > most:
		return &FieldError{field, s, "it is longer than " + strconv.Itoa(most) + " bytes"}
	case !utf8.ValidString(s):
		return &FieldError{field, s, "it is not UTF-8"}
	case strings.ContainsAny(s, "\x00\r\n"):
		return &FieldError{field, s, "it contains NUL, CR or LF"}
	}
	return nil
}

func checkID(id string, most int, strict bool) error {
	if err := checkLine("ID", id, most); err != nil {
		return err
	}
	if strings.ContainsFunc(id, unicode.IsControl) {
		return &FieldError{"ID", id, "it contains a control character"}
	}
	if id != strings.Trim(id, " \t") {
		return &FieldError{"ID", id, "it begins or ends with a space"}
	}
	if strict && strings.ContainsFunc(id, func(r rune) bool { return r > '~' }) {
		return &FieldError{"ID", id, "it is not printable ASCII, and Config.StrictIDs is set"}
	}
	return nil
}

// printable reports whether s has at most so many bytes and all are 0x21 to 0x7E, eight at a time:
// what nearly every ID, Stream and Type is, and always valid. The rest is for the slow checks.
func printable(s string, most int) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	if len(s) > most {
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

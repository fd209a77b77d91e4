package fuzz_test

import "strings"

// A script turns a fuzzer's bytes into choices, so that every input is a valid run and a small
// change to it a small change of the run. Once the bytes are used up, every choice is the first
// one.
type script struct{ rest []byte }

// more reports whether there are choices left to make: the length of a run.
func (s *script) more() bool { return len(s.rest) > 0 }

// below chooses a number from 0 to n-1, for n up to 256.
func (s *script) below(n int) int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b) % n
}

// one chooses one time in n.
func (s *script) one(n int) bool { return s.below(n) == n-1 }

// text chooses up to 255 bytes, any bytes at all.
func (s *script) text() string {
	n := min(s.below(256), len(s.rest))
	text := string(s.rest[:n])
	s.rest = s.rest[n:]
	return text
}

// choose chooses one of several values.
func choose[T any](s *script, from ...T) T { return from[s.below(len(from))] }

// long makes a string of n bytes.
func long(n int) string { return strings.Repeat("x", n) }

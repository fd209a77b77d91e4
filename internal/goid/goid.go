// Package goid tells goroutines apart, which is how a call notices that it was made from inside a callback of its own object.
// Nothing else should be built on it.
package goid

import (
	"bytes"
	"runtime"
	"strconv"
)

// Current returns the calling goroutine's number, or 0 if the runtime no longer says. It costs about a microsecond.
func Current() uint64 {
	var buf [64]byte
	head := buf[:runtime.Stack(buf[:], false)] // "goroutine 123 [running]:…", as net/http's HTTP/2 server reads it too
	head = bytes.TrimPrefix(head, []byte("goroutine "))
	number, _, _ := bytes.Cut(head, []byte(" "))
	id, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

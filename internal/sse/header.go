package sse

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// SetHeader sets the headers of an event stream: no cache keeps it and no proxy holds it back.
func SetHeader(header http.Header) {
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no") // nginx
}

// CanFlush reports whether http.ResponseController can flush w, without doing it: that would write
// the header.
func CanFlush(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case interface{ FlushError() error }, http.Flusher:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// AppendRetry appends the line that tells a client how long to wait before it reconnects, in whole
// milliseconds: a time between low and high, drawn anew for each call, so that clients which were
// cut off together do not come back together; low if high is less. Nothing when low is negative.
func AppendRetry(dst []byte, low, high time.Duration) []byte {
	if low < 0 {
		return dst
	}
	if high > low {
		low += rand.N(high - low + 1)
	}
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, low.Milliseconds(), 10)
	return append(dst, '\n')
}

// Package soak holds a test that does everything at once for as long as it is told, and checks
// every event on the way. It has no code of its own.
//
//	go test ./fuzz/soak                                   two seconds
//	REPRISE_SOAK=10m go test -timeout 0 -v ./fuzz/soak    ten minutes: make soak
//
// Writers append to sessions at random, retry, send what is oversized or malformed, and end, finish
// or abandon sessions; followers read them, in this process and over HTTP, and are cut again and
// again; thousands of sessions expire together every few seconds. It fails when a follower finds an
// event lost, twice, torn or out of order without having been told; when a session ends before its
// TTL, or long after; when heap or goroutines grow, or appends become slower, from the second
// quarter of the run to the last; and when anything is left at the end.
package soak

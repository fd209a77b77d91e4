// Package fuzz holds the tests that look for mistakes by themselves: native fuzz targets, each
// against a plain model, and linearizability checks of concurrent histories. It has no code of its
// own.
//
// The models (plainlog_test.go, plainmanager_test.go, lin_ringspec_test.go, …) are slices and maps
// written from the design and the public documentation. Where these leave something open, a model
// admits every answer that they allow, and then goes by the one it was given.
//
//	go test ./fuzz
//	    the seeds, and a few thousand histories
//	go test ./fuzz -run '^$' -fuzz '^FuzzRing$'
//	    one target, until it fails or is stopped
//	REPRISE_HISTORIES=20000 go test -run Linearizable ./fuzz
//	    histories of each kind at each GOMAXPROCS
//	go test -tags reprise_steps -run Linearizable ./fuzz
//	    the same, with goroutines that yield between the protocols' steps
//
// What a target has ever failed on is one of its seeds.
package fuzz

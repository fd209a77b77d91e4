//go:build !reprise_steps

// Package step marks the points between the steps of the lock-free protocols, so that tests can
// stop a goroutine exactly there. In production builds At is empty and costs nothing; the build tag
// reprise_steps brings it to life.
package step

// A Point names a place in a protocol.
type Point int

// At is where a test may stop the calling goroutine.
func At(Point) {}

//go:build reprise_steps

package fuzz_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/reprise-go/reprise/internal/step"
)

// widenRaces lets goroutines yield, most of the time, at each step of the ring's protocol.
func widenRaces(t *testing.T) {
	step.Set(func(step.Point) {
		for range rand.IntN(3) {
			runtime.Gosched()
		}
	})
	t.Cleanup(func() { step.Set(nil) })
}

//go:build !reprise_steps

package fuzz_test

import "testing"

// widenRaces does nothing: the steps of the protocol cannot be seen without the build tag
// reprise_steps.
func widenRaces(*testing.T) {}

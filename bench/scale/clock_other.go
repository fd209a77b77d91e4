//go:build !linux

package main

import "time"

var start = time.Now()

// processTime and threadTime fall back on the time that passes.
func processTime() time.Duration { return time.Since(start) }
func threadTime() time.Duration  { return time.Since(start) }

// clockScenarios need a process that can be stopped, and that tells what it has used.
func clockScenarios() []scenario { return nil }

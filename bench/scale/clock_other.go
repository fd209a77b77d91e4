//go:build !unix

package main

// clockScenarios need a process that can be stopped, and that tells what it has used.
func clockScenarios() []scenario { return nil }

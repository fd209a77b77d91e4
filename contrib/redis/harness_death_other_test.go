//go:build !linux

package redis

import "os/exec"

// EndWithUs is for Linux.
func EndWithUs(*exec.Cmd) {}

//go:build !amd64

package prefetch

// Append does nothing here.
func Append(next, base, record uintptr) {}

// Line does nothing here.
func Line(a uintptr) {}

//go:build !amd64

package prefetch

// Append does nothing here.
func Append(a, b, c uintptr) {}

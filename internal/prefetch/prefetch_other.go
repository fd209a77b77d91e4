//go:build !amd64

package prefetch

// Append does nothing here.
func Append(next, base, record uintptr) {}

// Line does nothing here.
func Line(a uintptr) {}

// An Ahead holds nothing here.
type Ahead struct{}

// Note does nothing here.
func Note(a *Ahead, log, next, record, table, dir uintptr) {}

// Fetch does nothing here.
func Fetch(a *Ahead, log uintptr) {}

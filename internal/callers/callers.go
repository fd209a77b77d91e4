// Package callers tells a call that was made from inside a callback from every other call. A
// package runs callbacks through one function of its own, and asks whether that function is among
// the callers. The answer is exact: it compares entry points of functions, and reads no text.
package callers

import (
	"reflect"
	"runtime"
)

// Entry returns the entry point of a function. The function must carry //go:noinline, for only then
// is it on the stack while what it calls runs.
func Entry(function any) uintptr { return reflect.ValueOf(function).Pointer() }

// Include reports whether the function with that entry point is on the stack of the goroutine that
// asks. It costs a microsecond or two on a stack of ordinary depth.
func Include(entry uintptr) bool {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			// A return address: the call is just before it.
			if f := runtime.FuncForPC(pc - 1); f != nil && f.Entry() == entry {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

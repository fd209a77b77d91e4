package prefetch_test

import (
	"testing"
	"unsafe"

	"github.com/reprise-go/reprise/internal/prefetch"
)

// Addresses are hints: those of memory that is not there, or of no memory at all, must not matter.
func TestAddressesThatLeadNowhereAreHarmless(t *testing.T) {
	nowhere := []uintptr{0, 1, 1 << 20, ^uintptr(0), ^uintptr(0)>>1 + 1, uintptr(unsafe.Pointer(t))}
	for _, a := range nowhere {
		for _, b := range nowhere {
			prefetch.Append(a, b, a^b)
			prefetch.Line(a)
		}
	}
}

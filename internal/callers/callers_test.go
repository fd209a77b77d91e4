package callers

import "testing"

//go:noinline
func through(f func()) { f() }

//go:noinline
func another(f func()) { f() }

func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
}

func TestFunctionIsFoundAmongTheCallersAtAnyDepth(t *testing.T) {
	entry := Entry(through)
	for _, depth := range []int{0, 1, 60, 61, 62, 63, 64, 65, 130, 5000} {
		within := false
		through(func() { deep(depth, func() { within = Include(entry) }) })
		if !within {
			t.Errorf("%d calls below it: not found", depth)
		}
		deep(depth, func() { within = Include(entry) })
		if within {
			t.Errorf("found though it was not called, %d calls deep", depth)
		}
	}
}

func TestOtherFunctionsAndOtherGoroutinesAreNotTakenForIt(t *testing.T) {
	entry, got := Entry(through), make(chan bool)
	another(func() {
		if Include(entry) {
			t.Error("another function was taken for it")
		}
	})
	through(func() {
		go func() { got <- Include(entry) }()
		if <-got {
			t.Error("a goroutine started inside has it on its stack")
		}
	})
	through(func() {})
	if Include(entry) {
		t.Error("found after it has returned")
	}
}

func BenchmarkInclude(b *testing.B) {
	entry := Entry(through)
	b.ReportAllocs()
	for b.Loop() {
		Include(entry)
	}
}

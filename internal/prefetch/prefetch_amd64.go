package prefetch

// Append starts to load the cache lines that an append is about to touch: those at next and base,
// and six from record on. It does not wait for them, but for the translation of a page that no TLB
// knows. It costs about 2 ns.
//
//go:noescape
func Append(next, base, record uintptr)

// Line starts to load the cache line at a.
//
//go:noescape
func Line(a uintptr)

package prefetch

// Append starts to load the cache lines that an append is about to touch: those at a and b, and Lines of them from c on. It does not wait for any.
// It costs about 2 ns.
//
//go:noescape
func Append(a, b, c uintptr)

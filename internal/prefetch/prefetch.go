// Package prefetch asks for memory early, which Go does not offer. It reads nothing and changes nothing: addresses may be those of memory
// that is long gone.
package prefetch

// Lines is how many cache lines Append asks for from the third address on.
const Lines = 6

// Package prefetch asks for memory early, which Go does not offer. It reads nothing and changes
// nothing: addresses may be those of memory that is long gone.
package prefetch

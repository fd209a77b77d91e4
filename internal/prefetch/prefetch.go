// Package prefetch asks for memory early, which Go does not offer. It reads nothing and changes nothing but the notes of an Ahead: addresses may be
// those of memory that is long gone.
package prefetch

//go:build race

package replay

const raceEnabled = true // sync.Pool then forgets on purpose

// Package recent caches a value that costs much to find out and may be a little old.
package recent

import (
	"sync"
	"time"
)

// How long a value is kept: minAge, and restFactor times what finding it out took, so that this is
// never more than a twentieth of the time.
const (
	minAge     = 15 * time.Second
	restFactor = 20
)

// A Value is found out when somebody asks and it is too old. The zero Value is ready; it is safe
// for concurrent use. Whoever asks while it is being found out waits for that.
type Value[T any] struct {
	mu    sync.Mutex // held while find runs
	value T
	until time.Time
}

// Get returns the value, found out by find if need be.
func (v *Value[T]) Get(find func() T) T {
	v.mu.Lock()
	defer v.mu.Unlock()
	if began := time.Now(); !began.Before(v.until) {
		v.value = find()
		ended := time.Now()
		v.until = ended.Add(max(minAge, restFactor*ended.Sub(began)))
	}
	return v.value
}

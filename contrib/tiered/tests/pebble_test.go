package tests

import (
	"testing"

	"github.com/reprise-go/reprise/contrib/pebble"
)

// newPebble opens a directory, or makes it.
func newPebble(t testing.TB, dir string, cfg pebble.Config) *pebble.Store {
	t.Helper()
	s, err := pebble.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

package main

import "testing"

// stores are the Stores that the program can serve.
func stores(t *testing.T) map[string]opener {
	return map[string]opener{"memory": openMemory, "pebble": storeIn(t.TempDir())}
}

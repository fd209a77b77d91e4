package goid_test

import (
	"testing"

	"github.com/reprise-go/reprise/internal/goid"
)

func TestCurrentTellsGoroutinesApart(t *testing.T) {
	own := goid.Current()
	if own == 0 || own != goid.Current() {
		t.Fatalf("first %d, then %d", own, goid.Current())
	}
	other := make(chan uint64)
	go func() { other <- goid.Current() }()
	if id := <-other; id == 0 || id == own {
		t.Fatalf("another goroutine has %d, this one %d", id, own)
	}
}

package shard_test

import (
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestPositionIDOfASession(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 2}})
	s, err := m.CreateWithID("s", shard.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.Seek(s.PositionID(0)); err != nil || c.Seq() != 0 {
		t.Errorf("the beginning of an empty session: %d, %v", c.Seq(), err)
	}
	for range 3 {
		if _, err := s.Append(ring.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	detach, err := s.Attach()
	if err != nil {
		t.Fatal(err)
	}
	s.Terminate()
	if s.PositionID(3) == "" {
		t.Error("a stream that is attached to an ended session cannot name its place")
	}
	detach()
	if s.PositionID(3) != "" {
		t.Error("an ended session that nobody is attached to still has a log")
	}
}

package shard_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestARestoredSessionGoesOnWhereItWas(t *testing.T) {
	from, to := newManager(t, shard.Config{}), newManager(t, shard.Config{MaxSessions: 1})
	old := create(t, from, "old")
	var events []ring.Event
	for i := range 10 {
		e := ring.Event{Data: fmt.Append(nil, i)}
		if i%3 == 0 {
			e.ID = fmt.Sprint("own-", i)
		}
		stored, err := old.Append(e)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, stored)
	}
	tag := strings.TrimSuffix(old.PositionID(0), ".0")
	o := shard.Options{ID: "moved", Metadata: shard.Metadata{Principal: "alice"}}
	claims := []string{"one", "two", "one"}
	restored, err := shardaccess.Restore(to, o, tag, 4, events[4:], claims)
	if err != nil {
		t.Fatal(err)
	}
	s := restored.(*shard.Session)
	if got := s.Info(); got.Log.First != 5 || got.Log.Last != 10 || got.Log.Evicted != 4 || got.Principal != "alice" {
		t.Errorf("restored: %+v", got)
	}
	for _, e := range events[4:] {
		c, err := s.Seek(e.ID)
		if err != nil || c.Seq() != e.Seq {
			t.Errorf("Seek of %q: %d, %v", e.ID, c.Seq(), err)
		}
	}
	if _, err := s.Seek(events[1].ID); !errors.Is(err, ring.ErrEvicted) {
		t.Errorf("Seek of an evicted ID: %v", err)
	}
	if got := shardaccess.Claims(s); len(got) != 2 || shardaccess.Claims(old) != nil {
		t.Errorf("claimed are %q, and in the other one %q", got, shardaccess.Claims(old))
	}
	if err := s.Claim("two"); !errors.Is(err, shard.ErrClaimed) {
		t.Errorf("Claim of a key that was claimed before: %v", err)
	}
	if shardaccess.Claim(s, "one") || !shardaccess.Claim(s, "three") || shardaccess.Claim(s, "three") {
		t.Error("a key that was claimed is free, or one that was not is not")
	}
	memory := to.Stats().Memory
	next, err := s.Append(ring.Event{})
	if err != nil || next.Seq != 11 || next.ID != tag+"-11" {
		t.Errorf("the next event is %d %q, %v", next.Seq, next.ID, err)
	}
	if _, err := shardaccess.Restore(to, o, tag, 0, nil, nil); !errors.Is(err, shard.ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	o.ID = "other"
	if _, err := shardaccess.Restore(to, o, tag, 4, events[4:], claims); !errors.Is(err, shard.ErrSessionLimit) {
		t.Errorf("beyond the limit: %v", err)
	}
	if got := to.Stats(); got.Active != 1 || got.Events != 7 || got.Memory > memory+1024 {
		t.Errorf("after the refusals: %+v", got)
	}
	o.ID = "gap"
	if _, err := shardaccess.Restore(to, o, tag, 3, events[4:], claims); err == nil {
		t.Error("events that do not follow on the sequence before are taken")
	}
}

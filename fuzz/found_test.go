package fuzz_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// What histories have found, each as small as it gets.

// A session's end frees its place among its principal's and among all in one step. With two in all
// and one of alice's, whoever has got alice's gets the other one as well: nobody else can have it.
func TestPlaceThatIsFreeForThePrincipalIsFreeForAll(t *testing.T) {
	m := shardtest.New(t, shard.Config{Shards: 1, Linger: -1, MaxSessions: 2, MaxPerPrincipal: 1})
	alice := shard.Metadata{Principal: "alice"}
	stop := others(3, func() {
		if s, err := m.Create(alice); err == nil {
			s.Terminate()
		}
	})
	defer stop()
	for range 30_000 {
		s, err := m.Create(alice)
		if err != nil {
			continue
		}
		second, err := m.Create(shard.Metadata{})
		if err != nil {
			t.Fatalf("there is one session, and room for two: %v", err)
		}
		second.Terminate()
		s.Terminate()
	}
}

// A session that has ended does not answer Info when Config.Linger is negative, not even to a
// caller that came when it was alive.
func TestInfoWithoutLingerShowsNoEndedSession(t *testing.T) {
	m := shardtest.New(t, shard.Config{Shards: 1, Linger: -1})
	stop := others(2, func() {
		if i, err := m.Info("s"); err == nil && i.Status != shard.Active {
			t.Errorf("Info says that the session is %v", i.Status)
		}
	})
	defer stop()
	for range 60_000 {
		if s, err := m.CreateWithID("s", shard.Metadata{}); err == nil {
			s.Terminate()
		}
		if t.Failed() {
			return
		}
	}
}

// While the sequence in an ID of the assigned form is retained, under another ID, the ID is
// unknown; once a producer has appended an event with that ID, it is found. At no moment is it
// evicted.
func TestSeekOfAnImitationBeingAppendedDoesNotSayEvicted(t *testing.T) {
	r, err := ring.New(ring.Config{MaxEvents: 2})
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, r, "")
	var imitation atomic.Pointer[string]
	stop := others(2, func() {
		id := imitation.Load()
		if id == nil {
			return
		}
		if _, err := r.Seek(*id); errors.Is(err, ring.ErrEvicted) && imitation.Load() == id {
			t.Errorf("Seek(%q): %v", *id, err)
		}
	})
	defer stop()
	tag, _, _ := strings.Cut(mustAppend(t, r, "").ID, "-")
	for n := range 60_000 {
		first := mustAppend(t, r, fmt.Sprint("x", n))
		mustAppend(t, r, fmt.Sprint("y", n))
		id := fmt.Sprintf("%s-%d", tag, first.Seq)
		imitation.Store(&id)
		mustAppend(t, r, id)
		if imitation.Store(nil); t.Failed() {
			return
		}
	}
}

func mustAppend(t *testing.T, r *ring.Ring, id string) ring.Event {
	t.Helper()
	e, err := r.Append(ring.Event{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// others has n goroutines do something again and again, until the returned function is called.
func others(n int, do func()) (stop func()) {
	var stopped atomic.Bool
	var running sync.WaitGroup
	for range n {
		running.Go(func() {
			for !stopped.Load() {
				do()
			}
		})
	}
	return func() {
		stopped.Store(true)
		running.Wait()
	}
}

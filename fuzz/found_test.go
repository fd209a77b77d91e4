package fuzz_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/shard"
)

// What histories have found, each as small as it gets.

// A session's end frees its place among its principal's and among all in one step. With two in all and one of alice's, whoever has got alice's gets
// the other one as well: nobody else can have it.
func TestPlaceThatIsFreeForThePrincipalIsFreeForAll(t *testing.T) {
	m := newManager(t, shard.Config{Shards: 1, Linger: -1, MaxSessions: 2, MaxPerPrincipal: 1})
	alice := shard.Metadata{Principal: "alice"}
	stop := others(3, func() {
		if s, err := m.Create(alice); err == nil {
			s.Terminate()
		}
	})
	defer stop()
	for range 50_000 {
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

// A session that has ended does not answer Info when Config.Linger is negative, not even to a caller that came when it was alive.
func TestInfoWithoutLingerShowsNoEndedSession(t *testing.T) {
	m := newManager(t, shard.Config{Shards: 1, Linger: -1})
	stop := others(2, func() {
		if i, err := m.Info("s"); err == nil && i.Status != shard.Active {
			t.Errorf("Info says that the session is %v", i.Status)
		}
	})
	defer stop()
	for range 150_000 {
		if s, err := m.CreateWithID("s", shard.Metadata{}); err == nil {
			s.Terminate()
		}
		if t.Failed() {
			return
		}
	}
}

func newManager(t *testing.T, cfg shard.Config) *shard.Manager {
	t.Helper()
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
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

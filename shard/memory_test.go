package shard_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/shard"
)

func heapBytes() int64 {
	var ms runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&ms)
	return int64(ms.HeapAlloc)
}

// After all sessions have ended and lingered, the manager holds what an empty one does.
func TestHeapIsBackWhenAllSessionsHaveGone(t *testing.T) {
	const linger, tick = 50 * time.Millisecond, 10 * time.Millisecond
	for _, end := range []string{"Terminate", "expiry"} {
		cfg := shard.Config{MaxSessions: -1, Linger: linger, Tick: tick}
		if end == "expiry" {
			cfg.TTL = 500 * time.Millisecond * slow
		}
		m := newManager(t, cfg)
		empty := heapBytes()
		for range 20_000 / slow {
			s, err := m.Create(shard.Metadata{Principal: "me"})
			if err != nil {
				t.Fatal(err)
			}
			store(t, s, "one", "two", "three")
		}
		peak := heapBytes()
		if end == "Terminate" {
			for s := range m.Sessions() {
				s.Terminate()
			}
		}
		testkit.Eventually(t, "no session is left after "+end, func() bool { return m.Stats().Total == 0 })
		if left := heapBytes() - empty; left > peak/20+1<<20 {
			t.Errorf("%s: %d bytes are left of %d", end, left, peak-empty)
		}
		runtime.KeepAlive(m)
	}
}

func TestStatsCostsTheSameForManySessionsAsForFew(t *testing.T) {
	few, many := newManager(t, shard.Config{MaxSessions: -1}), newManager(t, shard.Config{MaxSessions: -1})
	for i := range 100_000 / slow {
		if _, err := many.Create(shard.Metadata{}); err != nil {
			t.Fatal(err)
		}
		if i < 10 {
			few.Create(shard.Metadata{})
		}
	}
	cost := func(m *shard.Manager) (least time.Duration) {
		least = time.Hour
		for range 50 {
			start := time.Now()
			for range 100 {
				m.Stats()
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	for try := 1; ; try++ { // a busy machine disturbs some measurements, and not all
		a, b := cost(few), cost(many)
		if b <= 3*a {
			return
		}
		if try == 20 {
			t.Fatalf("%v with ten sessions, %v with %d", a/100, b/100, 100_000/slow)
		}
	}
}

package redis_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// movesSlots moves the slots of sessions and of the registry to another primary and back, key by key as an operator's tool does and slowly, while
// writers append and everything else is called: nothing fails, and nothing is lost.
func (c *cluster) movesSlots(t *testing.T) {
	cfg := roomy("moving")
	cfg.MaxPerPrincipal, cfg.Linger = 1000, -1
	writing, reading := newStore(t, cfg, c.addrs()...), newStore(t, cfg, c.addrs()...)
	create(t, writing, "s")
	f := follow(t, reading, replay.Position{})
	w := write(t, 4, writing, reading)
	w.until(t, 100)
	var stop atomic.Bool
	done := make(chan int, 1)
	t.Cleanup(func() { stop.Store(true) })
	go func() {
		n := 0
		for ; !stop.Load(); n++ {
			c.useAll(t, writing, n)
		}
		done <- n
	}()
	for _, key := range []string{redis.KeyOf("moving", "s"), "{moving}places"} {
		for range 2 {
			c.moveSlot(key, func() { w.until(t, 40) })
		}
	}
	stop.Store(true)
	n := <-done
	w.until(t, 50)
	w.check(t, writing, f)
	if n == 0 {
		t.Error("nothing else was called")
	}
}

// useAll calls what needs a session that is there, one that is not, and one that is made, in the slots that move.
func (c *cluster) useAll(t *testing.T, s *redis.Store, n int) {
	ctx := context.Background()
	if _, err := s.Info(ctx, "s"); err != nil {
		t.Errorf("Info: %v", err)
	}
	if _, err := s.Info(ctx, "unknown"); err == nil {
		t.Error("Info of an unknown session: no error")
	}
	r, err := s.Open(ctx, "s", replay.Position{Live: true})
	if err != nil {
		t.Errorf("Open: %v", err)
	} else {
		r.Close()
	}
	id := redis.InBucketOf("s", n)
	if _, err := s.Create(ctx, id, shard.Metadata{Principal: fmt.Sprint("p", n)}); err != nil {
		t.Errorf("Create: %v", err)
	}
	if _, err := s.Append(ctx, id, ring.Event{ID: "own"}); err != nil {
		t.Errorf("Append: %v", err)
	}
	if err := s.Terminate(ctx, id); err != nil {
		t.Errorf("Terminate: %v", err)
	}
}

// moveSlot moves the slot of a key to a primary that does not have it. In the middle of it, and between the steps, it calls meanwhile.
func (c *cluster) moveSlot(key string, meanwhile func()) {
	c.t.Helper()
	slot := c.running().cli("CLUSTER", "KEYSLOT", key)
	n, _ := strconv.Atoi(slot)
	from, _ := c.pair(n)
	to, _ := c.pair((n + 16384/3) % 16384)
	if to == from {
		to, _ = c.pair((n + 2*16384/3) % 16384)
	}
	fromID, toID := from.cli("CLUSTER", "MYID"), to.cli("CLUSTER", "MYID")
	to.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
	from.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	meanwhile()
	for left := true; left; {
		left = false
		for _, k := range splitLines(from.cli("CLUSTER", "GETKEYSINSLOT", slot, "10")) {
			from.cli("MIGRATE", "127.0.0.1", to.port(), k, "0", "10000")
			left = true
		}
	}
	meanwhile()
	to.cli("CLUSTER", "SETSLOT", slot, "NODE", toID)
	from.cli("CLUSTER", "SETSLOT", slot, "NODE", toID)
	for _, s := range c.servers[:] {
		if s.info("role") == "master" {
			s.cli("CLUSTER", "SETSLOT", slot, "NODE", toID)
		}
	}
	meanwhile()
}

// slotsOf returns the widest range of slots that a primary has.
func (c *cluster) slotsOf(s *server) (low, high int) {
	for _, line := range splitLines(s.cli("CLUSTER", "NODES")) {
		fields := strings.Fields(line)
		for _, slots := range fields[min(8, len(fields)):] {
			from, to, _ := strings.Cut(slots, "-")
			a, _ := strconv.Atoi(from)
			b, _ := strconv.Atoi(to)
			if c.at(fields[1]) == s && b-a > high-low {
				low, high = a, b
			}
		}
	}
	return low, high
}

// hangsInPart stops a primary of three. Its sessions, 640 in all with as many readers, wait; those of the other two do not notice.
func (c *cluster) hangsInPart(t *testing.T) {
	cfg := redis.Config{Prefix: "part", MaxSessions: -1, TTL: 2 * time.Second, Lease: 3 * time.Second, Timeout: 3 * time.Second}
	store, beside := newStore(t, cfg, c.addrs()...), newStore(t, cfg, c.addrs()...)
	stopped, _ := c.of("part", "bad0")
	low, high := c.slotsOf(stopped)
	var good []string
	bad := 0
	for n := 0; bad < 640 || len(good) < 16; n++ {
		id := fmt.Sprint("bad", n)
		slot := redis.SlotOf(redis.KeyOf("part", id))
		there := low <= slot && slot <= high
		if there && bad < 640 {
			bad++
		} else if !there && len(good) < 16 {
			good = append(good, id)
		} else {
			continue
		}
		create(t, store, id)
		r, err := store.Open(t.Context(), id, replay.Position{})
		wantNoErr(t, "Open", err)
		t.Cleanup(r.Close)
	}
	readers := map[string]replay.Reader{}
	for _, id := range good {
		r, err := store.Open(t.Context(), id, replay.Position{})
		wantNoErr(t, "Open", err)
		defer r.Close()
		readers[id] = r
	}
	stopped.pause()
	defer stopped.resume()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	worst, rounds := time.Duration(0), 0
	for start := time.Now(); time.Since(start) < 4500*time.Millisecond; rounds++ { // less than a failover takes, more than the TTL and a Lease
		for _, id := range good {
			began := time.Now()
			_, err := beside.Append(ctx, id, ring.Event{})
			wantNoErr(t, fmt.Sprint("Append, ", time.Since(start), " after the stop"), err)
			var e ring.Event
			for !readers[id].Next(&e) {
				wantNoErr(t, "the reader", readers[id].Err())
				wantNoErr(t, "Wait", readers[id].Wait(ctx))
			}
			worst = max(worst, time.Since(began))
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, id := range good {
		info, err := beside.Info(ctx, id)
		wantNoErr(t, "Info", err)
		equal(t, "status", info.Status, shard.Active)
		equal(t, "readers", info.Attached, 2)
	}
	t.Logf("%d rounds; an event took %v at most", rounds, worst)
	if rounds < 2 {
		t.Error("no reader had a second event while the other part hung")
	}
}

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

// movesSlots moves the slots of sessions and of the registry to another primary and back, key by
// key as an operator's tool does and slowly, while writers append and everything else is called:
// nothing fails, and nothing is lost.
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

// useAll calls what needs a session that is there, one that is not, and one that is made, in the
// slots that move.
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

// moveSlot moves the slot of a key to a primary that does not have it. In the middle of it, and
// between the steps, it calls meanwhile.
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

// owns returns which slots a primary has by what it says itself, now.
func (s *server) owns() (slots [16384]bool) {
	s.t.Helper()
	for _, line := range splitLines(s.cli("CLUSTER", "NODES")) {
		if fields := strings.Fields(line); strings.Contains(fields[2], "myself") {
			for slot := range slots {
				slots[slot] = hasSlot(fields, slot)
			}
		}
	}
	return slots
}

// patient has all servers wait for one that hangs for longer than a test may take, so that no
// replica takes over.
func (c *cluster) patient(ms string) {
	c.t.Helper()
	for _, s := range c.servers {
		equal(c.t, "CONFIG SET cluster-node-timeout", s.cli("CONFIG", "SET", "cluster-node-timeout", ms), "OK")
	}
}

// hangsInPart stops a primary of three for longer than a Lease. Its sessions, 640 in all with as
// many readers, wait; those of the other two do not notice.
func (c *cluster) hangsInPart(t *testing.T) {
	cfg := redis.Config{Prefix: "part", MaxSessions: -1, Lease: 3 * time.Second, Timeout: 30 * time.Second}
	store, beside := newStore(t, cfg, c.addrs()...), newStore(t, cfg, c.addrs()...)
	stopped, _ := c.of("part", "s0")
	good, readers := c.fill(t, store, stopped)
	c.patient("600000")
	stopped.pause()
	defer func() {
		stopped.resume()
		eventually(t, "all servers hear the primary again", func() bool { return c.hear(stopped) })
		c.patient(nodeTimeout)
		c.settle()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	rounds := 0
	for start := time.Now(); rounds < 2 || time.Since(start) < cfg.Lease+time.Second; rounds++ {
		for n, id := range good {
			_, err := beside.Append(ctx, id, ring.Event{})
			wantNoErr(t, fmt.Sprint("Append, ", time.Since(start), " after the stop"), err)
			var e ring.Event
			for !readers[n].Next(&e) {
				wantNoErr(t, "the reader", readers[n].Err())
				wantNoErr(t, "Wait", readers[n].Wait(ctx))
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, id := range good {
		eventually(t, "the leases are renewed", func() bool {
			info, err := beside.Info(ctx, id)
			wantNoErr(t, "Info", err)
			return info.Status == shard.Active && info.Attached == 1
		})
	}
	t.Logf("%d rounds", rounds)
}

// fill makes 640 sessions with a reader each on a primary, and 16 elsewhere, which it returns.
func (c *cluster) fill(t *testing.T, store *redis.Store, at *server) (good []string, readers []replay.Reader) {
	t.Helper()
	slots, bad := at.owns(), 0
	for n := 0; bad < 640 || len(good) < 16; n++ {
		id := fmt.Sprint("s", n)
		there := slots[redis.SlotOf(redis.KeyOf("part", id))]
		if there && bad == 640 || !there && len(good) == 16 {
			continue
		}
		create(t, store, id)
		r, err := store.Open(t.Context(), id, replay.Position{})
		wantNoErr(t, "Open", err)
		t.Cleanup(r.Close)
		if there {
			bad++
		} else {
			good, readers = append(good, id), append(readers, r)
		}
	}
	return good, readers
}

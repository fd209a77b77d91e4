package redis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// The parts run one after the other on one cluster, as it takes seconds to come up.
func TestCluster(t *testing.T) {
	c := newCluster(t)
	testConformance(t, c.addrs()...)
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"a primary that hangs holds up nothing elsewhere", c.hangsInPart},
		{"slots move under load, and nothing fails", c.movesSlots},
		{"a failover on demand in mid-stream is not noticed", c.handsOver},
		{"a primary that hangs is replaced", c.replacesHanging},
		{"a primary that dies is replaced, and whoever saw what is lost with it is told", c.replacesDead},
		{"a failover to a replica that was behind is not hidden", c.losesTail},
	} {
		t.Run(part.name, func(t *testing.T) {
			c.use(t)
			part.run(t)
		})
		c.use(t)
	}
}

// two returns Stores of two processes, so to speak, with a session s.
func (c *cluster) two(t *testing.T, prefix string) (writing, reading *redis.Store) {
	t.Helper()
	writing, reading = newStore(t, roomy(prefix), c.addrs()...), newStore(t, roomy(prefix), c.addrs()...)
	create(t, writing, "s")
	return writing, reading
}

func (c *cluster) handsOver(t *testing.T) {
	writing, reading := c.two(t, "handover")
	f := follow(t, reading, replay.Position{})
	w := write(t, 4, writing, reading)
	for range 2 {
		w.until(t, 100)
		primary, replica := c.of("handover", "s")
		var asked time.Time
		eventually(t, "the replica is the primary", func() bool {
			if time.Since(asked) > 6*time.Second { // a server gives up after five
				replica.try("CLUSTER", "FAILOVER")
				asked = time.Now()
			}
			return replica.info("role") == "master" && primary.info("role") == "slave"
		})
		c.settle()
	}
	w.until(t, 100)
	w.check(t, writing, f)
}

func (c *cluster) replacesHanging(t *testing.T) {
	writing, reading := c.two(t, "hanging")
	f := follow(t, reading, replay.Position{})
	mustAppend(t, writing, ring.Event{Data: []byte("0:before")})
	primary, replica := c.of("hanging", "s")
	equal(t, "replicas that have everything", primary.cli("WAIT", "1", "60000"), 1)
	primary.pause()
	defer primary.resume()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	_, err := writing.Append(ctx, "s", ring.Event{ID: "soon"})
	cancel()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append to a primary that hangs: error %v", err)
	}
	_, err = writing.Append(t.Context(), "s", ring.Event{ID: "later"}) // waits for the failover
	wantNoErr(t, "Append", err)
	equal(t, "role of the replica", replica.info("role"), "master")
	primary.resume()
	c.settle()
	mustAppend(t, writing, ring.Event{ID: "last"})
	events := f.until(t, 3)
	for i, want := range []string{events[0].ID, "later", "last"} {
		equal(t, "ID", events[i].ID, want)
		equal(t, "sequence", events[i].Seq, i+1)
	}
}

// Replication is asynchronous: what a dying primary has confirmed and not passed on is lost. A
// follower sees every event once and in order up to there, and is told; one that has not read so
// far notices nothing.
func (c *cluster) replacesDead(t *testing.T) {
	writing, reading := c.two(t, "dead")
	f := follow(t, reading, replay.Position{})
	w := write(t, 4, writing)
	w.until(t, 200)
	primary, replica := c.of("dead", "s")
	primary.kill()
	eventually(t, "the replica is the primary", func() bool { return replica.info("role") == "master" })
	w.until(t, 200)
	primary.start()
	c.settle()
	w.until(t, 50)
	w.stop()
	r, err := reading.Open(t.Context(), "s", replay.Position{})
	wantNoErr(t, "Open", err)
	defer r.Close()
	stored, err := replay.Drain(r)
	wantNoErr(t, "Drain", err)
	w.wantOnce(t, stored)
	told := false
	eventually(t, "the follower has everything, or was told that something is lost", func() bool {
		select {
		case <-f.done:
			told = true
		default:
		}
		return told || f.count() >= len(stored)
	})
	if told && !errors.Is(f.err, redis.ErrLost) {
		t.Errorf("the follower ended with %v", f.err)
	}
	if !told {
		for i, e := range f.until(t, len(stored))[:len(stored)] {
			if e.ID != stored[i].ID {
				t.Fatalf("the follower saw %q as event %d, which is %q", e.ID, i+1, stored[i].ID)
			}
		}
	}
	t.Logf("%d events stored, %d confirmed; the follower was told of a loss: %v", len(stored), w.count(), told)
}

func (c *cluster) losesTail(t *testing.T) {
	store := newStore(t, roomy("tail"), c.addrs()...)
	l := newLoss(t, store)
	primary, replica := c.of("tail", "s")
	equal(t, "replicas that have everything", primary.cli("WAIT", "1", "60000"), 1)
	replica.pause()
	defer replica.resume()
	primary.cli("CLIENT", "KILL", "TYPE", "replica") // else what comes now waits for the replica in its socket
	l.more(t)
	primary.kill()
	replica.resume()
	eventually(t, "the replica is the primary", func() bool {
		replica.try("CLUSTER", "FAILOVER", "TAKEOVER")
		return replica.info("role") == "master"
	})
	l.check(t)
	primary.start()
	c.settle()
	wantNoErr(t, "Terminate", store.Terminate(t.Context(), "s"))
	_, err := store.Append(t.Context(), "s", ring.Event{})
	if !errors.Is(err, shard.ErrNotFound) {
		t.Errorf("Append: error %v", err)
	}
}

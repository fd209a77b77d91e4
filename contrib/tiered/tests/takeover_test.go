package tests

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/ring"
)

// Two processes on one Redis, and a client behind a balancer. The one that writes is killed in the
// middle of it; the other takes the session over, and the client has every event once and in order.
func TestAClientGoesOnWhereAKilledProcessWasTakenOver(t *testing.T) {
	addr := newServer(t).addr
	own := startProcess(t, "redis "+addr+" two")
	confirmed := own.await(t, 50)
	other := startProcess(t, "redis "+addr+" two", patientEnv+"=1")
	balancer := proxy.New(t, testkit.Await(t, "it serves", own.addr), testkit.Await(t, "it serves", other.addr))
	c := follow(t, balancer.URL())
	c.until(t, 100)
	testkit.Await(t, "the other one is refused", other.lost)
	for range 3 { // by either process in turn, while the first writes
		balancer.Cut()
		c.until(t, c.count()+50)
	}
	own.signal(syscall.SIGKILL)
	confirmed = append(confirmed, own.rest()...)
	confirmed = append(confirmed, other.await(t, 200)...)
	stored := other.quiet(t, newRedis(t, addr, redis.Config{Prefix: "two"}))
	c.wantExactly(t, stored)
	wantAll(t, stored, confirmed)
}

// The same with a process that is only paused, for longer than its lease: what it was about to
// write is refused, and its callers are told.
func TestAClientGoesOnWhereAPausedProcessHasLostTheSession(t *testing.T) {
	addr := newServer(t).addr
	own := startProcess(t, "redis "+addr+" two")
	confirmed := own.await(t, 50)
	other := startProcess(t, "redis "+addr+" two", patientEnv+"=1")
	ownAddr, otherAddr := testkit.Await(t, "it serves", own.addr), testkit.Await(t, "it serves", other.addr)
	balancer := proxy.New(t, ownAddr)
	c := follow(t, balancer.URL())
	c.until(t, 100)
	own.signal(syscall.SIGSTOP)
	confirmed = append(confirmed, other.await(t, 100)...) // once the lease has run out
	balancer.To(otherAddr)
	balancer.Cut() // a balancer's health check
	c.until(t, c.count()+100)
	own.signal(syscall.SIGCONT)
	for range writers {
		if testkit.Await(t, "each of its callers is told", own.lost) == "" {
			t.Error("a caller was not told")
		}
	}
	confirmed = append(confirmed, own.rest()...)
	stored := other.quiet(t, newRedis(t, addr, redis.Config{Prefix: "two"}))
	c.wantExactly(t, stored)
	wantAll(t, stored, confirmed)
}

// A process with a directory behind it is killed and started again: nothing that it has confirmed
// is lost, and a client lives through all of it.
func TestAKilledProcessGoesOnInItsDirectory(t *testing.T) {
	rounds := 5
	if v := os.Getenv("REPRISE_CRASHES"); v != "" {
		var err error
		if rounds, err = strconv.Atoi(v); err != nil || rounds < 1 {
			t.Fatalf("REPRISE_CRASHES is %q, want a number", v)
		}
	}
	dir := filepath.Join(t.TempDir(), "d")
	balancer := proxy.New(t, testkit.FreeAddr(t))
	var c *client
	var confirmed []string
	for range rounds {
		p := startProcess(t, "pebble "+dir)
		balancer.To(testkit.Await(t, "it serves", p.addr))
		if c == nil {
			c = follow(t, balancer.URL())
		}
		confirmed = append(confirmed, p.await(t, 100)...)
		c.until(t, c.count()+20)
		p.signal(syscall.SIGKILL)
		confirmed = append(confirmed, p.rest()...)
		p.cmd.Wait()
	}
	var stored []ring.Event
	func() {
		back := newPebble(t, dir, pebble.Config{})
		defer back.Close()
		s := newTiered(t, back, tiered.Config{Sync: true})
		defer s.Close()
		add(t, s, sessionID, "after all of it")
		stored = everything(t, s)
	}()
	wantAll(t, stored, confirmed)
	p := startProcess(t, "pebble "+dir)
	p.stdin.Close()
	balancer.To(testkit.Await(t, "it serves", p.addr))
	c.wantFirst(t, stored)
}

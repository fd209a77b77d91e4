package redis_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Redis tells followers of events at most once. Whatever it does not tell, they find out.

func TestSubscriptionsThatBreak(t *testing.T) {
	s := newServer(t)
	writing, reading := newStore(t, roomy("p"), s.addr), newStore(t, roomy("p"), s.addr)
	create(t, writing, "s")
	f := follow(t, reading, replay.Position{})
	w := write(t, 4, writing)
	killed := 0
	eventually(t, "10 subscriptions were broken", func() bool {
		if s.cli("CLIENT", "KILL", "TYPE", "pubsub") != "0" {
			killed++
		}
		return killed >= 10
	})
	w.until(t, 50)
	w.check(t, writing, f)
}

// A reading node behind a cable, and a writing one. The session s has one event, which the reader
// has seen.
func quiet(t *testing.T, lease time.Duration) (*proxy.Proxy, *redis.Store, replay.Reader) {
	t.Helper()
	s := newServer(t)
	cable, cfg := proxy.New(t, s.addr), roomy("p")
	cfg.Lease = lease
	writing := newStore(t, cfg, s.addr)
	// RESP2, for its notifications have a connection of their own.
	reading := newStoreOn(
		t, cfg, newClientWith(t, rueidis.ClientOption{InitAddress: []string{cable.Addr()}, AlwaysRESP2: true}),
	)
	create(t, writing, "s")
	r, err := reading.Open(t.Context(), "s", replay.Position{})
	wantNoErr(t, "Open", err)
	t.Cleanup(r.Close)
	mustAppend(t, writing, ring.Event{Data: []byte("1")})
	wantNext(t, r, "1")
	return cable, writing, r
}

func wantNext(t *testing.T, r replay.Reader, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var e ring.Event
	for !r.Next(&e) {
		wantNoErr(t, "Err", r.Err())
		wantNoErr(t, "Wait", r.Wait(ctx))
	}
	equal(t, "event", string(e.Data), want)
}

func wantEnd(t *testing.T, r replay.Reader, want error) {
	t.Helper()
	wantNoErr(t, "Wait", r.Wait(t.Context()))
	var e ring.Event
	if r.Next(&e) || !errors.Is(r.Err(), want) {
		t.Errorf("read %q, error %v; want %v", e.Data, r.Err(), want)
	}
}

// Nothing comes through to the follower while the session goes on and ends, and then the
// connections break. With such a lease no periodic look helps.
func TestSilentNetwork(t *testing.T) {
	cable, writing, r := quiet(t, time.Hour)
	cable.Set(true, false)
	mustAppend(t, writing, ring.Event{Data: []byte("2")})
	mustAppend(t, writing, ring.Event{Data: []byte("3")})
	wantNoErr(t, "Finish", writing.Finish(t.Context(), "s"))
	cable.Set(false, false)
	wantNext(t, r, "2")
	wantNext(t, r, "3")
	wantEnd(t, r, shard.ErrFinished)
}

// Notifications alone do not come through, and nothing breaks: the periodic look finds out.
func TestNotificationsThatAreLost(t *testing.T) {
	cable, writing, r := quiet(t, time.Second)
	cable.Drop(notifications)
	mustAppend(t, writing, ring.Event{Data: []byte("2")})
	wantNext(t, r, "2")
	mustAppend(t, writing, ring.Event{Data: []byte("3")})
	wantNext(t, r, "3")
	wantNoErr(t, "Terminate", writing.Terminate(t.Context(), "s"))
	wantEnd(t, r, shard.ErrNotFound)
}

func TestNothingRunsOnAfterClose(t *testing.T) {
	s := newServer(t)
	before := runtime.NumGoroutine()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr}, DisableCache: true})
	wantNoErr(t, "NewClient", err)
	store, err := redis.New(client, roomy("p"))
	wantNoErr(t, "New", err)
	var readers []replay.Reader
	for i := range 50 {
		create(t, store, fmt.Sprint(i))
		r, err := store.Open(t.Context(), fmt.Sprint(i), replay.Position{})
		wantNoErr(t, "Open", err)
		readers = append(readers, r)
	}
	store.Close()
	for _, r := range readers {
		if err := r.Wait(t.Context()); err != nil || r.Err() == nil {
			t.Fatalf("Wait: error %v; then the reader's %v, want an end", err, r.Err())
		}
		r.Close()
	}
	client.Close()
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

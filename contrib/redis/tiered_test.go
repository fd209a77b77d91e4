package redis_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// contrib/tiered with Redis behind it, which is what it is for. Its module needs the core alone, so
// that these tests are here.

func newTiered(t testing.TB, back replay.Store, cfg tiered.Config) *tiered.Store {
	t.Helper()
	s, err := tiered.New(back, cfg)
	wantNoErr(t, "New", err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestTieredConforms(t *testing.T) {
	client := newClient(t, newServer(t).addr)
	var count atomic.Int64
	for _, sync := range []bool{false, true} {
		t.Run(fmt.Sprintf("sync %v", sync), func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, storetest.Subject{
				Open: func(t testing.TB, c storetest.Config) replay.Store {
					behind := c.Ring
					if behind.MaxEventBytes > 0 {
						behind.MaxEventBytes += 32 // see tiered.Config
					}
					prefix := fmt.Sprint("t", count.Add(1))
					back := newStoreOn(
						t, redis.Config{Prefix: prefix, MaxSessions: -1, TTL: -1, Linger: -1, Ring: behind}, client,
					)
					return newTiered(t, back, tiered.Config{Sync: sync, Shard: shard.Config{
						Ring: c.Ring, MaxSessions: c.MaxSessions, MaxPerPrincipal: c.MaxPerPrincipal,
						MaxAttached: c.MaxAttached, MaxBytes: c.MaxBytes, TTL: c.TTL, Linger: c.Linger,
					}})
				},
				Finish: func(ctx context.Context, s replay.Store, id string) error {
					return s.(*tiered.Store).Finish(ctx, id)
				},
			})
		})
	}
}

// The client's connections break and lead to the session's own process and to another one in turn,
// until the first dies without a chance to do anything more: what it had confirmed is in Redis.
func TestClientOfATieredStoreGoesOnElsewhereWhenItsProcessDies(t *testing.T) {
	const events = 600
	server := newServer(t)
	own, other := startProcess(t, server.addr, asTiered+"=1"), startProcess(t, server.addr, asTiered+"=1")
	wantNoErr(t, "PUT", own.call(http.MethodPut, ""))
	if other.call(http.MethodPost, "elsewhere") == nil {
		t.Error("the other process appends")
	}
	balancer := proxy.New(t, own.addr, other.addr)
	posted := make(chan error, 1)
	go func() {
		posted <- own.post(0, events)
		own.kill()
	}()
	c := newClientOf(balancer)
	c.early = true // with an event that is on its way to Redis
	c.follow(t, balancer, events)
	wantNoErr(t, "POST", <-posted)
	c.wantStored(t, newStore(t, processConfig(), server.addr))
}

func TestTieredStoreGoesOnWithoutRedisAndCatchesUp(t *testing.T) {
	server := newServer(t, "appendonly yes", "appendfsync always")
	here := newTiered(t, newStore(t, roomy("p"), server.addr), tiered.Config{})
	elsewhere := newStore(t, roomy("p"), server.addr)
	create(t, here, "s")
	local, remote := follow(t, here, replay.Position{}), follow(t, elsewhere, replay.Position{})
	var stored []ring.Event
	more := func(n int) {
		for range n {
			stored = append(stored, mustAppend(t, here, ring.Event{Data: fmt.Append(nil, len(stored))}))
		}
	}
	more(100)
	eventually(t, "everything is copied", func() bool { return here.Lag("s") == 0 })
	remote.until(t, 100)
	server.kill()
	more(100)
	local.until(t, 200)
	equal(t, "events that are not copied while Redis is away", here.Lag("s"), 100)
	equal(t, "events that were seen elsewhere", remote.count(), 100)
	server.start()
	for i, e := range remote.until(t, 200) {
		if e.ID != stored[i].ID || e.Seq != stored[i].Seq || string(e.Data) != string(stored[i].Data) {
			t.Fatalf("elsewhere event %d is %d %q, want %d %q", i+1, e.Seq, e.ID, stored[i].Seq, stored[i].ID)
		}
	}
	eventually(t, "everything is copied", func() bool { return here.Lag("s") == 0 })
	r, err := elsewhere.Open(t.Context(), "s", replay.Position{LastEventID: stored[149].ID})
	wantNoErr(t, "Open", err)
	defer r.Close()
	rest, err := replay.Drain(r)
	wantNoErr(t, "Drain", err)
	equal(t, "events after one of the outage", len(rest), 50)
}

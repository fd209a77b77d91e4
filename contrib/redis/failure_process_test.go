package redis_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/shard"
)

func TestClientOfTwoProcessesThatLandsOnTheOtherOneEachTime(t *testing.T) {
	const writers, each = 4, 250
	server := newServer(t)
	one, other := startProcess(t, server.addr), startProcess(t, server.addr)
	balancer := proxy.New(t, one.addr, other.addr) // for the client's streams
	store := newStore(t, processConfig(), server.addr)
	create(t, store, "s")
	done := make(chan error, writers)
	for w := range writers {
		go func() { done <- []*process{one, other}[w%2].post(w, each) }()
	}
	c := newClientOf(balancer)
	c.follow(t, balancer, writers*each)
	for range writers {
		wantNoErr(t, "POST", <-done)
	}
	c.wantStored(t, store)
}

// A process that dies with a reader open holds the session for a Lease and no longer.
func TestReaderOfAProcessThatDiesLetsGo(t *testing.T) {
	server := newServer(t)
	redis.InTime(t, time.Second, func(lease time.Duration) bool {
		t.Setenv(asHasty, lease.String())
		p := startProcess(t, server.addr)
		defer p.kill()
		cfg := processConfig()
		store, id := newStore(t, cfg, server.addr), "s"+lease.String()
		create(t, store, id)
		answer, err := http.Get("http://" + p.addr + "/?session=" + id)
		wantNoErr(t, "GET", err)
		defer answer.Body.Close()
		time.Sleep(cfg.TTL + cfg.Lease)
		info, err := store.Info(t.Context(), id)
		if err != nil || info.Status != shard.Active || info.Attached != 1 {
			return false // the process came too late to renew the lease, this once
		}
		p.kill()
		died := time.Now()
		eventually(t, "the session has expired", func() bool {
			info, err := store.Info(t.Context(), id)
			return err == nil && info.Status == shard.Expired
		})
		return time.Since(died) <= cfg.TTL+cfg.Lease+cfg.Lease/2
	})
}

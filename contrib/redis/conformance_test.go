package redis_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
)

// opener opens Stores for storetest, each with a prefix and two clients of its own.
type opener struct {
	clients [2]rueidis.Client
	count   atomic.Int64
}

// node is a Store, and how another one with its sessions is made.
type node struct {
	*redis.Store
	cfg redis.Config
}

func (o *opener) open(t testing.TB, c storetest.Config) replay.Store {
	cfg := redis.Config{
		Prefix:      fmt.Sprint("t", o.count.Add(1)),
		MaxSessions: c.MaxSessions, MaxPerPrincipal: c.MaxPerPrincipal, MaxAttached: c.MaxAttached, TTL: c.TTL,
		Linger: c.Linger, Ring: c.Ring,
	}
	return node{newStoreOn(t, cfg, o.clients[0]), cfg}
}

func (o *opener) subject() storetest.Subject {
	return storetest.Subject{
		Open: o.open,
		Beside: func(t testing.TB, first replay.Store) replay.Store {
			cfg := first.(node).cfg
			return node{newStoreOn(t, cfg, o.clients[1]), cfg}
		},
		Finish: func(ctx context.Context, s replay.Store, id string) error { return s.(node).Finish(ctx, id) },
		Lacks:  storetest.Budget,
	}
}

func testConformance(t *testing.T, addrs ...string) {
	o := &opener{clients: [2]rueidis.Client{newClient(t, addrs...), newClient(t, addrs...)}}
	t.Run("conforms", func(t *testing.T) { storetest.Run(t, o.subject()) })
}

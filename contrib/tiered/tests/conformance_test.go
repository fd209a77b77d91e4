package tests

import (
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
)

func TestTieredConforms(t *testing.T) {
	addr := newServer(t).addr
	for _, sync := range []bool{false, true} {
		t.Run(fmt.Sprintf("sync=%v", sync), func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, storetest.Subject{
				Open: func(t testing.TB, c storetest.Config) replay.Store {
					back := newRedis(t, addr, redis.Config{MaxSessions: -1, TTL: -1, Linger: -1})
					return newTiered(t, back, tiered.Config{Sync: sync, Shard: c})
				},
			})
		})
	}
}

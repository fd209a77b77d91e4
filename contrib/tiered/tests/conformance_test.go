package tests

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
)

func TestTieredConforms(t *testing.T) {
	addr := newServer(t).addr
	for name, back := range map[string]func(t testing.TB) replay.Store{
		"redis": func(t testing.TB) replay.Store {
			return newRedis(t, addr, redis.Config{MaxSessions: -1, TTL: -1, Linger: -1})
		},
		"pebble": func(t testing.TB) replay.Store {
			cfg := pebble.Config{MaxSessions: -1, TTL: -1, Linger: -1}
			return newPebble(t, filepath.Join(t.TempDir(), "d"), cfg)
		},
	} {
		for _, sync := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sync=%v", name, sync), func(t *testing.T) {
				t.Parallel()
				storetest.Run(t, storetest.Subject{
					Open: func(t testing.TB, c storetest.Config) replay.Store {
						return newTiered(t, back(t), tiered.Config{Sync: sync, Shard: c})
					},
				})
			})
		}
	}
}

package redis

import (
	"context"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
)

// Every case runs on two Stores, as on two processes, that share the sessions on one server.
func TestConformance(t *testing.T) {
	client := dial(t, startServer(t))
	storetest.Run(t, storetest.Subject{
		Open: func(t testing.TB, c storetest.Config) replay.Store {
			return newStore(t, client, Config{
				Ring: c.Ring, MaxSessions: c.MaxSessions, MaxPerPrincipal: c.MaxPerPrincipal,
				MaxAttached: c.MaxAttached, TTL: c.TTL, Linger: c.Linger,
			})
		},
		Beside: func(t testing.TB, first replay.Store) replay.Store {
			return beside(t, first.(*Store))
		},
		Finish: func(ctx context.Context, s replay.Store, id string) error { return s.(*Store).Finish(ctx, id) },
		Lacks:  storetest.Budget,
	})
}

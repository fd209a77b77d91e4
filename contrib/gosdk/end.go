package gosdk

import (
	"context"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

const (
	terminateWait  = 100 * time.Millisecond // how long SessionClosed waits for the Store
	terminateLimit = 10 * time.Second       // how long the Store may take in all
)

// terminate ends a session in the Store. The SDK holds its connection's mutex meanwhile and cannot
// be kept waiting for a Store across a network, hence the goroutine: its context ends it.
func terminate(ctx context.Context, store replay.Store, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateLimit)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- store.Terminate(ctx, id)
	}()
	timer := time.NewTimer(terminateWait)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			err = fmt.Errorf("gosdk: ending session %.64q: %w", id, err)
		}
		return err
	case <-timer.C:
		return nil
	}
}

// CloseEnded returns a function for shard.Config.OnEnd that closes the server's session when the
// Store's has ended: by expiry, say, or through shard.Manager.Terminate. Without it the SDK goes on
// serving such a session's open streams, and keeps the session of a client that never comes back
// until StreamableHTTPOptions.SessionTimeout, for which an open stream is no activity.
//
// It looks through the server's sessions, about 10 ns each. The SDK waits for calls in progress
// before it closes a session; that happens in a goroutine of its own, which lasts as long as those
// calls do.
func CloseEnded(server *mcp.Server) func(shard.Info) {
	return func(info shard.Info) {
		for session := range server.Sessions() {
			if session.ID() == info.ID {
				go session.Close()
				return
			}
		}
	}
}

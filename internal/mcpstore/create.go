// Package mcpstore is what the adapters of the MCP SDKs do alike with a replay.Store.
package mcpstore

import (
	"context"
	"errors"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// DefaultMaxEventBytes is how large an event may be in the sessions of an adapter that is not told
// otherwise: a tool's result with an image in it fits.
const DefaultMaxEventBytes = 16 << 20

// ringDefault is what package ring has by default.
const ringDefault = 1 << 20

// Check returns a *ring.ConfigError if no event may be as large as maxEventBytes, as an adapter is
// told it: negative and 0 are no sizes, see [Create].
func Check(maxEventBytes int) error {
	_, err := ring.Config{MaxEventBytes: max(0, maxEventBytes)}.Complete()
	return err
}

// Create creates a session with room for events of maxEventBytes, and for the adapters' event IDs
// where the Store's sessions take only shorter ones. Negative means as the Store has
// it; 0 means that too if the Store has been configured, and [DefaultMaxEventBytes] where it has
// not or does not tell. A Store that cannot do it is replay.ErrUnsupported, but for 0, where its
// own limit will do.
func Create(ctx context.Context, store replay.Store, maxEventBytes int, id string, md shard.Metadata) (string, error) {
	limits, told := replay.Limits(store)
	own := ring.Config{MaxEventBytes: max(0, maxEventBytes)}
	if maxEventBytes == 0 && (!told || limits.MaxEventBytes == ringDefault) {
		own.MaxEventBytes = DefaultMaxEventBytes
	}
	if told && limits.MaxIDBytes > 0 && limits.MaxIDBytes < ring.MaxIDBytes {
		own.MaxIDBytes = ring.MaxIDBytes // the adapters' IDs may be as long
	}
	if own == (ring.Config{}) {
		return store.Create(ctx, id, md)
	}
	made, err := replay.CreateWith(ctx, store, shard.Options{ID: id, Metadata: md, Ring: own})
	if maxEventBytes == 0 && errors.Is(err, replay.ErrUnsupported) {
		return store.Create(ctx, id, md)
	}
	return made, err
}

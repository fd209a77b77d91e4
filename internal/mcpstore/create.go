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

// Create creates a session with room for events of maxEventBytes. Negative means as the Store has
// it; 0 means that too if the Store has been configured, and [DefaultMaxEventBytes] where it has
// not or does not tell. A Store that cannot do it is replay.ErrUnsupported, but for 0, where its
// own limit will do.
func Create(ctx context.Context, store replay.Store, maxEventBytes int, id string, md shard.Metadata) (string, error) {
	limit := maxEventBytes
	if limit == 0 {
		limit = DefaultMaxEventBytes
		if limits, told := replay.Limits(store); told && limits.MaxEventBytes != ringDefault {
			limit = -1
		}
	}
	if limit < 0 {
		return store.Create(ctx, id, md)
	}
	made, err := replay.CreateWith(
		ctx,
		store,
		shard.Options{ID: id, Metadata: md, Ring: ring.Config{MaxEventBytes: limit}},
	)
	if maxEventBytes == 0 && errors.Is(err, replay.ErrUnsupported) {
		return store.Create(ctx, id, md)
	}
	return made, err
}

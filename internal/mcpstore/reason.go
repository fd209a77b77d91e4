package mcpstore

import (
	"errors"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Reason says, in words for a client, why a Store has refused an event. What the Store itself says
// may name what is no client's business.
func Reason(err error) string {
	switch {
	case errors.Is(err, ring.ErrEventTooLarge):
		return "it is larger than what is kept for resumption"
	case errors.Is(err, shard.ErrOverBudget):
		return "the server had no memory left to keep it"
	}
	return "the server could not keep it"
}

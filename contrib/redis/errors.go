package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/shard"
)

// Errors are returned wrapped, with what they are about: use errors.Is. The ones of packages shard and ring mean here what they mean on
// every Store.
var (
	// ErrUnavailable means that Redis did not answer, or answered that it cannot serve, for Config.Timeout. Reads have told nothing. Whether a
	// write took place is not known; an Append can be repeated with the same event ID of one's own, and an event that was stored
	// is then ring.ErrDuplicateID, with the event.
	ErrUnavailable = errors.New("redis: unavailable")

	// ErrLost means that Redis has lost events that it had confirmed: a failover to a replica that had not received them, or a restart from an
	// older state. It comes together with ring.ErrEvicted, from readers that had read beyond what is left.
	ErrLost = errors.New("redis: events lost by the server")
)

// failure turns what the client reports into an error of this package. parent is the caller's context, without Config.Timeout.
func failure(parent context.Context, err error) error {
	if ended := parent.Err(); ended != nil {
		return ended
	}
	if re, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(re.Error(), "OOM") {
		return fmt.Errorf("%w: %w", shard.ErrOverBudget, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// passing reports whether err may be gone at the next attempt: the connection broke, or the cluster is changing.
func passing(err error) bool {
	re, ok := rueidis.IsRedisErr(err)
	if !ok {
		return true // also the end of a context: the client shares attempts to connect, and so fails them for everybody when one caller's ends
	}
	for _, prefix := range []string{"LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "READONLY", "BUSY", "MOVED", "ASK", "NOREPLICAS"} {
		if strings.HasPrefix(re.Error(), prefix) {
			return true
		}
	}
	return false
}

func about(err error, id string) error { return fmt.Errorf("%w: %.64q", err, id) }

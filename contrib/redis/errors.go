package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/shard"
)

// Errors are returned wrapped, with what they are about: use errors.Is. The ones of packages shard
// and ring mean here what they mean on every Store.
var (
	// ErrUnavailable means that Redis did not answer, or answered that it cannot serve, for
	// Config.Timeout. Reads have told nothing. Whether a write took place is not known; an Append
	// can be repeated with the same event ID of one's own, and an event that was stored is then
	// ring.ErrDuplicateID, with the event.
	ErrUnavailable = errors.New("redis: unavailable")

	// ErrLost means that the server no longer has what it had confirmed: it has failed over to a
	// replica that had not received it, has come back from an older state, or has evicted or
	// deleted keys. Readers that miss an event get it together with ring.ErrEvicted. A session of
	// which so much is gone that nobody can say whose it is, or which event IDs it has, has ended
	// with it: then it comes with shard.ErrNotFound.
	ErrLost = errors.New("redis: lost by the server")

	// ErrConfig means that a session, or the registry of places, was made by a Store with another
	// Config on the same prefix, or by another version of this package. Nothing was done. Stores
	// that share a Prefix need the same limits and times; another Config needs another Prefix.
	ErrConfig = errors.New("redis: made with another Config")
)

// errTimeout is why a context ends that Config.Timeout has ended.
var errTimeout = errors.New("redis: Config.Timeout has passed")

// failure turns what the client reports into an error of this package. parent is the caller's
// context.
func failure(parent context.Context, err error) error {
	if ended := parent.Err(); ended != nil && context.Cause(parent) != errTimeout {
		return ended
	}
	if re, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(re.Error(), "OOM") {
		return fmt.Errorf("%w: %w", shard.ErrOverBudget, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// passing reports whether err may be gone at the next attempt: the connection broke, or the cluster
// is changing.
func passing(err error) bool {
	re, ok := rueidis.IsRedisErr(err)
	if !ok {
		// Also the end of a context: the client shares attempts to connect, and so fails them for
		// everybody when one caller's ends.
		return true
	}
	for _, prefix := range []string{
		"LOADING", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "BUSY", "MOVED", "ASK", "NOREPLICAS",
	} {
		if strings.HasPrefix(re.Error(), prefix) {
			return true
		}
	}
	return moving(err)
}

// moving reports whether err comes from a cluster that moves the slot, and has part of the keys on
// either side.
func moving(err error) bool {
	re, ok := rueidis.IsRedisErr(err)
	return ok && (strings.HasPrefix(re.Error(), "TRYAGAIN") || strings.Contains(re.Error(), "non local key"))
}

func about(err error, id string) error { return &idError{err, id} }

// An idError is about a session ID, and formatted when somebody asks for its text.
type idError struct {
	err error
	id  string
}

func (e *idError) Error() string { return fmt.Sprintf("%v: %.64q", e.err, e.id) }
func (e *idError) Unwrap() error { return e.err }

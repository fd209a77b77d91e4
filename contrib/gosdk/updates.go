package gosdk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	updatesPrincipal = "gosdk.Updates" // keeps the shared session from whoever asks for it over HTTP
	updateType       = "resource updated"
	minPause         = 50 * time.Millisecond // between attempts to follow the shared session
	maxPause         = 5 * time.Second
)

// UpdatesOptions are what [NewUpdates] may be told.
type UpdatesOptions struct {
	// SessionID is the session that the replicas share. Default: "mcp-resource-updates".
	SessionID string

	// Logger is told of a Store that fails and of updates that were dropped before they could be
	// read (Warn). Default: silent.
	Logger *slog.Logger
}

// Updates carries ResourceUpdated to every replica of a server: each appends to one session of a
// Store that all share, and each follows it. Clients hear of an update whichever replica they
// listen to, by subscriptions/listen or, in the earlier era, by resources/subscribe.
//
// An update is a hint to read the resource again. It is delivered once for each replica that
// follows when it is appended; a replica that was too slow, or away for longer than the session
// retains, logs that and goes on at the present. Its methods may be called concurrently.
type Updates struct {
	store  replay.Store
	server *mcp.Server
	opts   UpdatesOptions
	cancel context.CancelFunc
	done   chan struct{}
}

// NewUpdates follows the shared session on behalf of server, until Close. What any replica sends
// after it has returned, this one gets.
func NewUpdates(ctx context.Context, store replay.Store, server *mcp.Server, opts UpdatesOptions) (*Updates, error) {
	opts.SessionID = cmp.Or(opts.SessionID, "mcp-resource-updates")
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	u := &Updates{store: store, server: server, opts: opts, done: make(chan struct{})}
	reader, err := u.open(ctx, replay.Position{Live: true})
	if err != nil {
		return nil, err
	}
	ctx, u.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go u.follow(ctx, reader)
	return u, nil
}

// ResourceUpdated tells the clients of every replica that a resource has changed. An error means
// that none was told, or that the Store cannot say.
func (u *Updates) ResourceUpdated(ctx context.Context, params *mcp.ResourceUpdatedNotificationParams) error {
	data, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("gosdk: update of %.64q: %w", params.URI, err)
	}
	e := ring.Event{Type: updateType, Data: data}
	if _, err = u.store.Append(ctx, u.opts.SessionID, e); errors.Is(err, shard.ErrNotFound) {
		if err = u.create(ctx); err == nil {
			_, err = u.store.Append(ctx, u.opts.SessionID, e)
		}
	}
	if err != nil {
		return fmt.Errorf("gosdk: update of %.64q: %w", params.URI, err)
	}
	return nil
}

// Close stops following, and waits until an update that is being delivered has been. The session
// stays, for the other replicas.
func (u *Updates) Close() {
	u.cancel()
	<-u.done
}

func (u *Updates) create(ctx context.Context) error {
	_, err := u.store.Create(ctx, u.opts.SessionID, shard.Metadata{Transport: "internal", Principal: updatesPrincipal})
	if errors.Is(err, shard.ErrExists) {
		return nil
	}
	return err
}

// open opens the shared session and creates it if need be.
func (u *Updates) open(ctx context.Context, at replay.Position) (replay.Reader, error) {
	r, err := u.store.Open(ctx, u.opts.SessionID, at)
	if errors.Is(err, shard.ErrNotFound) {
		if err = u.create(ctx); err == nil {
			r, err = u.store.Open(ctx, u.opts.SessionID, at)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("gosdk: following updates in session %.64q: %w", u.opts.SessionID, err)
	}
	return r, nil
}

// follow delivers updates until ctx ends. It goes on after the newest one that it has delivered,
// and at the present where that is gone.
func (u *Updates) follow(ctx context.Context, r replay.Reader) {
	defer close(u.done)
	at := replay.Position{Live: true}
	pause := minPause
	for ctx.Err() == nil {
		err := error(nil)
		if r == nil {
			r, err = u.open(ctx, at)
		}
		if err == nil {
			err = u.deliver(ctx, r, &at, &pause)
		}
		r = nil
		if ctx.Err() != nil {
			return
		}
		u.opts.Logger.WarnContext(ctx, "gosdk: following resource updates is interrupted", "error", err)
		if errors.Is(err, ring.ErrEvicted) || errors.Is(err, ring.ErrUnknownID) || errors.Is(err, shard.ErrNotFound) {
			at = replay.Position{Live: true}
		}
		wait(ctx, pause)
		pause = min(2*pause, maxPause)
	}
}

func (u *Updates) deliver(ctx context.Context, r replay.Reader, at *replay.Position, pause *time.Duration) error {
	for e, err := range replay.All(ctx, r) {
		if err != nil {
			return err
		}
		*at, *pause = replay.Position{LastEventID: e.ID, All: true}, minPause
		params := new(mcp.ResourceUpdatedNotificationParams)
		if e.Type != updateType || json.Unmarshal(e.Data, params) != nil {
			continue // somebody else's
		}
		if err := u.server.ResourceUpdated(ctx, params); err != nil {
			u.opts.Logger.WarnContext(
				ctx,
				"gosdk: a resource update was not delivered",
				"uri",
				params.URI,
				"error",
				err,
			)
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

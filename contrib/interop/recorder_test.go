package interop

import (
	"context"
	"slices"
	"sync"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A recorder notes which of a Store's methods are called.
type recorder struct {
	replay.Store
	mu    sync.Mutex
	calls []string
}

// taken returns the calls since the last time.
func (r *recorder) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return slices.Clone(calls)
}

func (r *recorder) note(call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
}

func (r *recorder) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	r.note("Create")
	return r.Store.Create(ctx, id, md)
}

func (r *recorder) Info(ctx context.Context, id string) (shard.Info, error) {
	r.note("Info")
	return r.Store.Info(ctx, id)
}

func (r *recorder) Update(ctx context.Context, id string, change func(*shard.Metadata)) error {
	r.note("Update")
	return r.Store.Update(ctx, id, change)
}

func (r *recorder) Touch(ctx context.Context, id string) error {
	r.note("Touch")
	return r.Store.Touch(ctx, id)
}

func (r *recorder) Terminate(ctx context.Context, id string) error {
	r.note("Terminate")
	return r.Store.Terminate(ctx, id)
}

func (r *recorder) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	r.note("Append")
	return r.Store.Append(ctx, id, e)
}

func (r *recorder) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	r.note("Open")
	return r.Store.Open(ctx, id, at)
}

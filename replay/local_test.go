package replay

import (
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestLocal(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: 2, Ring: ring.Config{MaxEventBytes: 10}})
	store, ctx := Local(m), t.Context()
	id, err := store.Create(ctx, "", shard.Metadata{Principal: "me"})
	wantErr(t, err, nil)
	if _, err := store.Create(ctx, "own", shard.Metadata{}); err != nil {
		t.Fatal(err)
	}

	t.Run("Create refuses", func(t *testing.T) {
		_, err := store.Create(ctx, "one\ntoo", shard.Metadata{})
		wantErr(t, err, shard.ErrInvalidID)
		_, err = store.Create(ctx, "third", shard.Metadata{})
		wantErr(t, err, shard.ErrSessionLimit)
		store.Terminate(ctx, "own")
		_, err = store.Create(ctx, "own", shard.Metadata{})
		wantErr(t, err, shard.ErrExists)
	})
	t.Run("Update", func(t *testing.T) {
		wantErr(t, store.Update(ctx, id, func(md *shard.Metadata) { md.Transport = "sse" }), nil)
		wantErr(t, store.Update(ctx, id, func(md *shard.Metadata) { md.Principal = "them" }), shard.ErrPrincipal)
		info, err := store.Info(ctx, id)
		wantErr(t, err, nil)
		equal(t, "metadata", info.Metadata, shard.Metadata{Transport: "sse", Principal: "me"})
	})
	t.Run("Touch", func(t *testing.T) { wantErr(t, store.Touch(ctx, id), nil) })
	t.Run("Append", func(t *testing.T) {
		stored, err := store.Append(ctx, id, ring.Event{ID: "1", Data: []byte("x")})
		wantErr(t, err, nil)
		equal(t, "sequence", stored.Seq, 1)
		again, err := store.Append(ctx, id, ring.Event{ID: "1", Data: []byte("y")})
		wantErr(t, err, ring.ErrDuplicateID)
		equal(t, "the retained event", string(again.Data), "x")
		_, err = store.Append(ctx, id, ring.Event{Data: make([]byte, 11)})
		wantErr(t, err, ring.ErrEventTooLarge)
	})
	t.Run("Terminate is idempotent", func(t *testing.T) {
		for _, id := range []string{id, id, "unknown"} {
			wantErr(t, store.Terminate(ctx, id), nil)
		}
	})
	t.Run("ended and unknown sessions are not found", func(t *testing.T) {
		for _, id := range []string{id, "unknown"} {
			_, err := store.Append(ctx, id, ring.Event{})
			wantErr(t, err, shard.ErrNotFound)
			r, err := store.Open(ctx, id, Position{})
			wantErr(t, err, shard.ErrNotFound)
			if r != nil {
				t.Error("a Reader with an error")
			}
			wantErr(t, store.Touch(ctx, id), shard.ErrNotFound)
			wantErr(t, store.Update(ctx, id, func(*shard.Metadata) { t.Error("called") }), shard.ErrNotFound)
		}
		_, err := store.Info(ctx, "unknown")
		wantErr(t, err, shard.ErrNotFound)
		info, err := store.Info(ctx, id)
		wantErr(t, err, nil)
		equal(t, "status of one that lingers", info.Status, shard.Terminated)
	})
}

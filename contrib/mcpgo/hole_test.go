package mcpgo

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestAReplayAcrossARefusedEventIsAnError(t *testing.T) {
	es := newStore(t, shard.Config{Ring: ring.Config{MaxEventBytes: 1000}})
	before, other := mustStore(t, es, "S", "a", "0"), mustStore(t, es, "S", "b", "0")
	_, err := es.StoreEvent(t.Context(), "S", "a", json.RawMessage(strings.Repeat("x", 1001)))
	wantError(t, "StoreEvent", err, ring.ErrEventTooLarge)
	wantRefused(t, es, "S", before, server.ErrUnknownEventID, ring.ErrEvicted)
	after := mustStore(t, es, "S", "a", "2")
	mustStore(t, es, "S", "a", "3")
	wantRefused(t, es, "S", before, server.ErrUnknownEventID, ring.ErrEvicted)
	wantReplay(t, es, "S", after, "a", "3")
	wantReplay(t, es, "S", other, "b")
}

func TestAStreamRemembersWhatItLostWhileTheStoreWasDown(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	before, other := mustStore(t, es, "S", "a", "0"), mustStore(t, es, "S", "b", "0")
	h.append = func(context.Context, string, ring.Event) (ring.Event, error) { return ring.Event{}, errDown }
	for range 3 {
		_, err := es.StoreEvent(t.Context(), "S", "a", nil)
		wantError(t, "StoreEvent", err, errDown)
	}
	wantRefused(t, es, "S", before, server.ErrUnknownEventID, ring.ErrEvicted)
	h.append = nil
	after := mustStore(t, es, "S", "a", "4")
	mustStore(t, es, "S", "a", "5")
	wantRefused(t, es, "S", before, server.ErrUnknownEventID, ring.ErrEvicted)
	wantReplay(t, es, "S", after, "a", "5")
	wantReplay(t, es, "S", other, "b")
	if !es.holes.empty() {
		t.Fatal("the hole is remembered after it was marked")
	}
}

func TestAnEventThatIsNotAsWeStoreThemIsAHole(t *testing.T) {
	store := replay.Local(newManager(t, shard.Config{}))
	es := New(store)
	before := mustStore(t, es, "S", "ä", "0")
	damaged := ring.Event{ID: es.newID("S", streamName("ä")), Stream: streamName("ä"), Data: []byte("no envelope")}
	if _, err := store.Append(t.Context(), "S", damaged); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, es, "S", before, server.ErrUnknownEventID, ring.ErrEvicted)
	wantRefused(t, es, "S", damaged.ID, server.ErrUnknownEventID)
}

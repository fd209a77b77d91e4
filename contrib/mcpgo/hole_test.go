package mcpgo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{}}`
	result   = `{"jsonrpc":"2.0","id":7,"result":{}}`

	lostMessage = `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"warning","logger":"reprise","data":"notifications/progress was lost with the connection: %s"}}`
	lostResult  = `{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"the answer was lost with the connection: %s"}}`
)

func TestARefusedEventCostsItselfAlone(t *testing.T) {
	var log bytes.Buffer
	store := replay.Local(newManager(t, shard.Config{Ring: ring.Config{MaxEventBytes: 1000}}))
	es, err := NewWith(store, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	padding := strings.Repeat(" ", 1001)
	for _, stream := range []string{"a", "ä"} {
		before, other := mustStore(t, es, "S", stream, "0"), mustStore(t, es, "S", "b", "0")
		_, err := es.StoreEvent(t.Context(), "S", stream, json.RawMessage(progress+padding))
		wantError(t, "StoreEvent", err, ring.ErrEventTooLarge)
		after := mustStore(t, es, "S", stream, "2")
		_, err = es.StoreEvent(t.Context(), "S", stream, json.RawMessage(result+padding))
		wantError(t, "StoreEvent", err, ring.ErrEventTooLarge)
		const why = "it is larger than what is kept for resumption"
		wantReplay(t, es, "S", before, stream, fmt.Sprintf(lostMessage, why), "2", fmt.Sprintf(lostResult, why))
		wantReplay(t, es, "S", after, stream, fmt.Sprintf(lostResult, why))
		wantReplay(t, es, "S", other, "b")
	}
	if n := es.Stats().Refused; n != 4 || strings.Count(log.String(), "level=WARN") != 4 {
		t.Errorf("%d refused; the log says:\n%s", n, &log)
	}
}

func TestAStreamRemembersWhatItLostWhileTheStoreWasDown(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	before, other := mustStore(t, es, "S", "a", "0"), mustStore(t, es, "S", "b", "0")
	h.append = func(context.Context, string, ring.Event) (ring.Event, error) { return ring.Event{}, errDown }
	for _, message := range []string{progress, result} {
		_, err := es.StoreEvent(t.Context(), "S", "a", json.RawMessage(message))
		wantError(t, "StoreEvent", err, errDown)
	}
	const why = "the server could not keep it"
	wantReplay(t, es, "S", before, "a", fmt.Sprintf(lostMessage, why), fmt.Sprintf(lostResult, why)) // it can be read
	r, err := replayAfter(t.Context(), es, "S", before)
	if err != nil {
		t.Fatal(err)
	}
	h.append = nil
	after := mustStore(t, es, "S", "a", "4")
	mustStore(t, es, "S", "a", "5")
	wantReplay(t, es, "S", before, "a", fmt.Sprintf(lostMessage, why), fmt.Sprintf(lostResult, why), "4", "5")
	wantReplay(t, es, "S", r.ids[0], "a", fmt.Sprintf(lostResult, why), "4", "5") // its ID has not changed
	wantReplay(t, es, "S", after, "a", "5")
	wantReplay(t, es, "S", other, "b")
	if len(es.holes.order) != 0 || len(es.holes.events) != 0 {
		t.Fatal("the holes are remembered after they were filled")
	}
}

func TestAnAnswerIsReplayedThoughTheStoreTakesNothingAnyMore(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	before := mustStore(t, es, "S", "a", "0")
	h.append = func(context.Context, string, ring.Event) (ring.Event, error) {
		return ring.Event{}, shard.ErrOverBudget
	}
	for range 10 * maxStandIns {
		es.StoreEvent(t.Context(), "S", "a", json.RawMessage(progress))
	}
	es.StoreEvent(t.Context(), "S", "a", json.RawMessage(result))
	r, err := replayAfter(t.Context(), es, "S", before)
	want := fmt.Sprintf(lostResult, "the server had no memory left to keep it")
	if err != nil || len(r.messages) != maxStandIns || r.messages[maxStandIns-1] != want {
		t.Fatalf("%q, %v; the last one should be %s", r.messages, err, want)
	}
}

func TestHolesAreBounded(t *testing.T) {
	var h holes
	for i := range 2 * maxHoles {
		h.add(fmt.Sprint(i), ring.Event{ID: "e"})
	}
	if len(h.events) != maxHoles || len(h.order) != maxHoles || len(h.of("0")) != 0 ||
		len(h.of(fmt.Sprint(maxHoles))) != 1 {
		t.Fatalf("%d streams, %d in order", len(h.events), len(h.order))
	}
	for i := range 2 * maxHoles {
		h.filled(fmt.Sprint(i), "another")
		h.filled(fmt.Sprint(i), "e")
	}
	if len(h.events) != 0 || len(h.order) != 0 {
		t.Fatalf("%d streams, %d in order", len(h.events), len(h.order))
	}
}

func TestAnEventIsStoredWhenItsClientHasGone(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	before := mustStore(t, es, "S", "a", "0")
	h.append = func(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
		if err := ctx.Err(); err != nil {
			return ring.Event{}, err
		}
		return h.Store.Append(ctx, id, e)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := es.StoreEvent(gone, "S", "a", json.RawMessage("1")); err != nil {
		t.Fatal(err)
	}
	wantReplay(t, es, "S", before, "a", "1")
}

func TestAnEventLimitOutOfRangeIsRefused(t *testing.T) {
	_, err := NewWith(nil, Config{MaxEventBytes: ring.MaxMaxEventBytes + 1})
	if wrong := (*ring.ConfigError)(nil); !errors.As(err, &wrong) || wrong.Field != "MaxEventBytes" ||
		wrong.Value != ring.MaxMaxEventBytes+1 {
		t.Fatalf("error %v, want a *ring.ConfigError with MaxEventBytes and its value", err)
	}
}

func TestAnEventThatIsNotAsWeStoreThemCannotBeReplayed(t *testing.T) {
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

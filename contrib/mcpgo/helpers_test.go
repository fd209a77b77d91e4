package mcpgo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// newManager makes a manager that is closed with the test.
var newManager = shardtest.New

func newStore(t testing.TB, cfg shard.Config) *EventStore {
	t.Helper()
	return New(replay.Local(newManager(t, cfg)))
}

// retaining configures sessions that retain n events.
func retaining(n int) shard.Config { return shard.Config{Ring: ring.Config{MaxEvents: n}} }

func mustStore(t testing.TB, s server.EventStore, session, stream, message string) string {
	t.Helper()
	id, err := s.StoreEvent(t.Context(), session, stream, json.RawMessage(message))
	if err != nil {
		t.Fatalf("StoreEvent(%.40q, %.40q, %.40q): %v", session, stream, message, err)
	}
	return id
}

// mustStoreN stores messages 0 to n-1, which are "<stream>:<number>", and returns their IDs.
func mustStoreN(t testing.TB, s server.EventStore, session, stream string, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = mustStore(t, s, session, stream, fmt.Sprintf("%s:%d", stream, i))
	}
	return ids
}

// replayed is what a replay said.
type replayed struct {
	stream   string
	ids      []string
	messages []string
}

func replayAfter(ctx context.Context, s server.EventStore, session, lastEventID string) (r replayed, err error) {
	r.stream, err = s.ReplayEventsAfter(ctx, session, lastEventID, func(id string, message json.RawMessage) error {
		r.ids, r.messages = append(r.ids, id), append(r.messages, string(message))
		return nil
	})
	return r, err
}

func wantReplay(t testing.TB, s server.EventStore, session, lastEventID, stream string, messages ...string) {
	t.Helper()
	r, err := replayAfter(t.Context(), s, session, lastEventID)
	if err != nil {
		t.Fatalf("replay after %q: %v", lastEventID, err)
	}
	if r.stream != stream || strings.Join(r.messages, "|") != strings.Join(messages, "|") {
		t.Fatalf(
			"replay after %.60q: stream %.60q, %.200q; want %.60q, %.200q",
			lastEventID,
			r.stream,
			r.messages,
			stream,
			messages,
		)
	}
}

// wantRefused checks that a replay fails with all of the given errors and hands out nothing.
func wantRefused(t testing.TB, s server.EventStore, session, lastEventID string, is ...error) {
	t.Helper()
	r, err := replayAfter(t.Context(), s, session, lastEventID)
	if r.stream != "" || len(r.ids) > 0 {
		t.Errorf("replay after %.60q: stream %q and %q despite %v", lastEventID, r.stream, r.messages, err)
	}
	for _, want := range is {
		if !errors.Is(err, want) {
			t.Errorf("replay after %.60q: %v, want %v", lastEventID, err, want)
		}
	}
}

func wantError(t testing.TB, what string, err error, is error) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Fatalf("%s: %v, want %v", what, err, is)
	}
}

// wantNoSession checks that the store knows nothing of a session.
func wantNoSession(t testing.TB, store replay.Store, session string) {
	t.Helper()
	if info, err := store.Info(t.Context(), session); !errors.Is(err, shard.ErrNotFound) {
		t.Fatalf("session %q is there: %v, %v", session, info.Status, err)
	}
}

var errDown = errors.New("no connection")

// hooked is a Store whose methods a test replaces.
type hooked struct {
	replay.Store
	append    func(context.Context, string, ring.Event) (ring.Event, error)
	create    func(context.Context, string, shard.Metadata) (string, error)
	info      func(context.Context, string) (shard.Info, error)
	open      func(context.Context, string, replay.Position) (replay.Reader, error)
	terminate func(context.Context, string) error
	touch     func(context.Context, string) error
}

func (h *hooked) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	if h.append != nil {
		return h.append(ctx, id, e)
	}
	return h.Store.Append(ctx, id, e)
}

func (h *hooked) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	if h.create != nil {
		return h.create(ctx, id, md)
	}
	return h.Store.Create(ctx, id, md)
}

func (h *hooked) Info(ctx context.Context, id string) (shard.Info, error) {
	if h.info != nil {
		return h.info(ctx, id)
	}
	return h.Store.Info(ctx, id)
}

func (h *hooked) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	if h.open != nil {
		return h.open(ctx, id, at)
	}
	return h.Store.Open(ctx, id, at)
}

func (h *hooked) Terminate(ctx context.Context, id string) error {
	if h.terminate != nil {
		return h.terminate(ctx, id)
	}
	return h.Store.Terminate(ctx, id)
}

func (h *hooked) Touch(ctx context.Context, id string) error {
	if h.touch != nil {
		return h.touch(ctx, id)
	}
	return h.Store.Touch(ctx, id)
}

package gosdk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
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

func mustOpen(t testing.TB, es *EventStore, session string, streams ...string) {
	t.Helper()
	for _, stream := range streams {
		if err := es.Open(t.Context(), session, stream); err != nil {
			t.Fatalf("Open(%q, %q): %v", session, stream, err)
		}
	}
}

// mustAppend appends n events whose data is "<stream>:<index>", from index first on.
func mustAppend(t testing.TB, es *EventStore, session, stream string, first, n int) {
	t.Helper()
	for i := first; i < first+n; i++ {
		if err := es.Append(t.Context(), session, stream, data(stream, i)); err != nil {
			t.Fatalf("Append(%q, %q) number %d: %v", session, stream, i, err)
		}
	}
}

func data(stream string, index int) []byte { return fmt.Appendf(nil, "%s:%d", stream, index) }

// after returns what After yields before an error, and the error.
func after(ctx context.Context, s mcp.EventStore, session, stream string, index int) (got []string, err error) {
	for d, err := range s.After(ctx, session, stream, index) {
		if err != nil {
			return got, err
		}
		got = append(got, string(d))
	}
	return got, nil
}

// wantAfter checks that After yields the events from index first to end-1 as mustAppend makes them.
func wantAfter(t testing.TB, es *EventStore, session, stream string, index, end int) {
	t.Helper()
	got, err := after(t.Context(), es, session, stream, index)
	if err != nil {
		t.Fatalf("After(%q, %q, %d): %v", session, stream, index, err)
	}
	var want []string
	for i := index + 1; i < end; i++ {
		want = append(want, string(data(stream, i)))
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("After(%q, %q, %d) = %q, want %q", session, stream, index, got, want)
	}
}

// wantError checks that After yields one error and nothing before it.
func wantError(t testing.TB, es *EventStore, session, stream string, index int, is error) {
	t.Helper()
	got, err := after(t.Context(), es, session, stream, index)
	if len(got) > 0 || !isError(err, is) {
		t.Fatalf("After(%q, %q, %d) = %q, %v; want nothing and %v", session, stream, index, got, err, is)
	}
}

// hooked is a Store whose methods a test replaces.
type hooked struct {
	replay.Store
	append    func(context.Context, string, ring.Event) (ring.Event, error)
	terminate func(context.Context, string) error
	create    func(context.Context, string, shard.Metadata) (string, error)
	info      func(context.Context, string) (shard.Info, error)
	open      func(context.Context, string, replay.Position) (replay.Reader, error)
}

func (h *hooked) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	if h.append != nil {
		return h.append(ctx, id, e)
	}
	return h.Store.Append(ctx, id, e)
}

func (h *hooked) Terminate(ctx context.Context, id string) error {
	if h.terminate != nil {
		return h.terminate(ctx, id)
	}
	return h.Store.Terminate(ctx, id)
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

func isError(err, is error) bool { return err != nil && errors.Is(err, is) }

// remembered is how many sessions the adapter holds.
func remembered(es *EventStore) int {
	es.mu.Lock()
	defer es.mu.Unlock()
	return es.turns.Len()
}

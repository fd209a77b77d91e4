package peers

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/server"

	"github.com/reprise-go/reprise/bench"
)

// mcpGoStore is mcp-go's event store, with a single stream in each session. It copies payloads, and
// retains them until the session is purged.
type mcpGoStore struct {
	mem *server.InMemoryEventStore
	ids bench.IDs
	ctx context.Context
}

const mcpGoStream = "stream"

func openMCPGo(cfg Config) Store {
	return &mcpGoStore{server.NewInMemoryEventStore(), cfg.sessionIDs(), context.Background()}
}

func (m *mcpGoStore) Append(session int, _ string, payload []byte) { m.AppendID(session, "", payload) }

func (m *mcpGoStore) AppendID(session int, _ string, payload []byte) string {
	return must(m.mem.StoreEvent(m.ctx, m.ids.At(session), mcpGoStream, payload))
}

func (m *mcpGoStore) Replay(session int, lastEventID string) (n int) {
	must(m.mem.ReplayEventsAfter(m.ctx, m.ids.At(session), lastEventID, func(string, json.RawMessage) error {
		n++
		return nil
	}))
	return n
}

func (m *mcpGoStore) Events(session int, lastEventID string) (events []string) {
	must(m.mem.ReplayEventsAfter(m.ctx, m.ids.At(session), lastEventID, func(_ string, message json.RawMessage) error {
		events = append(events, string(message))
		return nil
	}))
	return events
}

func (m *mcpGoStore) Close() {}

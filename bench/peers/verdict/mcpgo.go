package verdict

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/server"
)

var mcpGo = Subject{
	Name: "mcp-go", Used: "server.InMemoryEventStore",
	Open: func(Limits) (Store, error) { return mcpGoStore{server.NewInMemoryEventStore()}, nil },
	Says: map[string]string{boundedMemory: "A session's events are retained until PurgeSession is called for it"},
	Lacks: map[string]string{
		evictedID:   "it drops nothing",
		handOver:    "the transport goes from replay to live",
		duplicateID: "it numbers the events",
		emptyEvents: "its events are JSON-RPC messages, which are never empty",
		timeToLive:  "the transport ends idle sessions, with WithSessionIdleTTL",
	},
}

type mcpGoStore struct{ mem *server.InMemoryEventStore }

func (mcpGoStore) Open(string, string) error { return nil }

func (m mcpGoStore) Append(session, stream, _, data string) (string, error) {
	return m.mem.StoreEvent(context.Background(), session, stream, json.RawMessage(data))
}

func (m mcpGoStore) Resume(session, _, lastEventID string, got func(id, data string)) error {
	_, err := m.mem.ReplayEventsAfter(
		context.Background(),
		session,
		lastEventID,
		func(id string, message json.RawMessage) error {
			got(id, string(message))
			return nil
		},
	)
	return err
}

func (m mcpGoStore) End(session string) error {
	return m.mem.PurgeSession(context.Background(), session)
}
func (mcpGoStore) Close() {}

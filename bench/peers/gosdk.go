package peers

import (
	"bytes"
	"context"
	"math"
	"sort"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/reprise-go/reprise/bench"
)

// goSDKStore is the event store of the official SDK, with a single stream in each session. It
// bounds all sessions together, in bytes, and keeps the slices it is given. Its events are numbered
// in each stream; the SDK's transport writes the number into the event ID and back.
type goSDKStore struct {
	mem *mcp.MemoryEventStore
	ids bench.IDs
	ctx context.Context
}

const goSDKStream = "" // the standalone stream

func openGoSDK(cfg Config) Store {
	g := &goSDKStore{mcp.NewMemoryEventStore(nil), cfg.sessionIDs(), context.Background()}
	bytes := 0
	for s := range cfg.Sessions {
		bytes += cfg.RetainOf(s) * cfg.Payload
		must(0, g.mem.Open(g.ctx, g.ids.At(s), goSDKStream))
	}
	g.mem.SetMaxBytes(bytes)
	return g
}

func (g *goSDKStore) Append(session int, _ string, payload []byte) {
	must(0, g.mem.Append(g.ctx, g.ids.At(session), goSDKStream, bytes.Clone(payload)))
}

// AppendID finds the event's number, which is the SDK's to count: the first one after which there
// is nothing.
func (g *goSDKStore) AppendID(session int, _ string, payload []byte) string {
	g.Append(session, "", payload)
	return strconv.Itoa(sort.Search(math.MaxInt32, func(index int) bool {
		for range g.mem.After(g.ctx, g.ids.At(session), goSDKStream, index) {
			return false // an event, or the error that it is gone
		}
		return true
	}))
}

func (g *goSDKStore) Replay(session int, lastEventID string) (n int) {
	for _, err := range g.mem.After(g.ctx, g.ids.At(session), goSDKStream, must(strconv.Atoi(lastEventID))) {
		must(0, err)
		n++
	}
	return n
}

func (g *goSDKStore) Events(session int, lastEventID string) (events []string) {
	for data, err := range g.mem.After(g.ctx, g.ids.At(session), goSDKStream, must(strconv.Atoi(lastEventID))) {
		events = append(events, string(must(data, err)))
	}
	return events
}

func (g *goSDKStore) Close() {}

package verdict

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

var goSDK = Subject{
	Name: "go-sdk", Used: "mcp.MemoryEventStore, with SetMaxBytes",
	Open: func(l Limits) (Store, error) {
		g := &goSDKStore{mem: mcp.NewMemoryEventStore(nil), next: map[string]int{}}
		g.mem.SetMaxBytes(l.Events * l.EventBytes)
		return g, nil
	},
	Lacks: map[string]string{
		handOver:    "the SDK's transport goes from replay to live",
		duplicateID: "the SDK numbers the events",
		timeToLive:  "it knows no time; its bound in bytes reclaims",
	},
}

// goSDKStore is the store with what the SDK's transport does about it: it numbers the events of
// each stream, and the ID on the wire is the stream's, "_" and the number.
type goSDKStore struct {
	mem  *mcp.MemoryEventStore
	mu   sync.Mutex
	next map[string]int // by session and stream
}

func (g *goSDKStore) Open(session, stream string) error {
	return g.mem.Open(context.Background(), session, stream)
}

func (g *goSDKStore) Append(session, stream, _, data string) (string, error) {
	g.mu.Lock() // as the SDK has one in each stream
	defer g.mu.Unlock()
	if err := g.mem.Append(context.Background(), session, stream, []byte(data)); err != nil {
		return "", err
	}
	n := g.next[session+" "+stream]
	g.next[session+" "+stream]++
	return fmt.Sprintf("%s_%d", stream, n), nil
}

func (g *goSDKStore) Resume(session, _, lastEventID string, got func(id, data string)) error {
	cut := strings.LastIndexByte(lastEventID, '_')
	index, err := strconv.Atoi(lastEventID[cut+1:])
	if cut < 0 || err != nil {
		return fmt.Errorf("malformed Last-Event-ID %q", lastEventID)
	}
	stream := lastEventID[:cut]
	for data, err := range g.mem.After(context.Background(), session, stream, index) {
		if err != nil {
			return err
		}
		index++
		got(fmt.Sprintf("%s_%d", stream, index), string(data))
	}
	return nil
}

func (g *goSDKStore) End(session string) error {
	return g.mem.SessionClosed(context.Background(), session)
}
func (g *goSDKStore) Close() {}

package verdict

import (
	"context"
	"strings"
	"sync"

	sse "github.com/tmaxmax/go-sse"
)

var (
	goSSEAuto = Subject{
		Name: "go-sse, auto IDs", Used: "a Joe with a FiniteReplayer for each session; topics are its streams",
		Open: func(l Limits) (Store, error) { return newGoSSE(l, true), nil },
		Says: map[string]string{
			evictedID: "The events will replay starting from the first valid event sent after the one with the " +
				"given ID",
			racingEviction: "The events will replay starting from the first valid event sent after the one with the " +
				"given ID",
			unknownID:  goSSEInvalid,
			slowReader: goSSESlow,
		},
		Lacks: map[string]string{timeToLive: goSSETime, duplicateID: "the replayer numbers the events"},
	}
	goSSEOwn = Subject{
		Name: "go-sse, own IDs", Used: "the same, with IDs that the producer sets",
		Open: func(l Limits) (Store, error) { return newGoSSE(l, false), nil },
		Says: map[string]string{
			evictedID:      goSSEInvalid,
			unknownID:      goSSEInvalid,
			foreignSession: goSSEInvalid,
			slowReader:     goSSESlow,
		},
		Lacks: map[string]string{timeToLive: goSSETime},
	}
)

const (
	goSSETime    = "FiniteReplayer knows no time; ValidReplayer has a TTL for each event"
	goSSEInvalid = "If the ID is invalid replaying events will be omitted and new events will be sent as normal"
	goSSESlow    = "if a subscriber's callback blocks, the others have to wait"
)

type goSSEStore struct {
	limits   Limits
	auto     bool
	mu       sync.Mutex
	sessions map[string]*sse.Joe
}

func newGoSSE(l Limits, auto bool) *goSSEStore {
	return &goSSEStore{limits: l, auto: auto, sessions: map[string]*sse.Joe{}}
}

func (g *goSSEStore) Open(session, _ string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sessions[session] != nil {
		return nil
	}
	r, err := sse.NewFiniteReplayer(g.limits.Events, g.auto)
	if err == nil {
		g.sessions[session] = &sse.Joe{Replayer: observed{r}}
	}
	return err
}

func (g *goSSEStore) joe(session string) *sse.Joe {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sessions[session]
}

// observed is a FiniteReplayer that tells the subscribers of this package when their replay is
// over, and messages of this package which ID they got.
type observed struct{ *sse.FiniteReplayer }

func (o observed) Replay(s sse.Subscription) error {
	err := o.FiniteReplayer.Replay(s)
	s.Client.(*goSSEClient).replayed()
	return err
}

func (o observed) Put(m *sse.Message, topics []string) (*sse.Message, error) {
	stored, err := o.FiniteReplayer.Put(m, topics)
	if err == nil {
		topics[1] = stored.ID.String()
	}
	return stored, err
}

// Append publishes on the stream's topic. The second topic, which nobody subscribes to, is where
// observed leaves the ID.
func (g *goSSEStore) Append(session, stream, ownID, data string) (string, error) {
	m := &sse.Message{}
	m.AppendData(data)
	if !g.auto {
		m.ID = sse.ID(ownID)
	}
	topics := []string{stream, ""}
	err := g.joe(session).Publish(m, topics)
	return topics[1], err
}

func (g *goSSEStore) Resume(session, stream, lastEventID string, got func(id, data string)) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return g.subscribe(ctx, session, stream, lastEventID, &goSSEClient{got: got, replayed: cancel, until: ctx})
}

func (g *goSSEStore) Follow(ctx context.Context, session, stream, lastEventID string, got func(id, data string)) error {
	return g.subscribe(ctx, session, stream, lastEventID, &goSSEClient{got: got, replayed: func() {}, until: ctx})
}

func (g *goSSEStore) subscribe(ctx context.Context, session, stream, lastEventID string, c *goSSEClient) error {
	return g.joe(session).
		Subscribe(ctx, sse.Subscription{Client: c, LastEventID: sse.ID(lastEventID), Topics: []string{stream}})
}

func (g *goSSEStore) End(session string) error {
	return g.joe(session).Shutdown(context.Background())
}

func (g *goSSEStore) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, j := range g.sessions {
		j.Shutdown(context.Background())
	}
}

// A goSSEClient hands on what is sent to it, until it has gone.
type goSSEClient struct {
	got      func(id, data string)
	replayed func()
	until    context.Context
}

func (c *goSSEClient) Send(m *sse.Message) error {
	if c.until.Err() != nil {
		return nil
	}
	var data string
	for line := range strings.Lines(m.String()) {
		if d, ok := strings.CutPrefix(line, "data: "); ok {
			data = strings.TrimSuffix(d, "\n")
		}
	}
	c.got(m.ID.String(), data)
	return nil
}

func (c *goSSEClient) Flush() error { return nil }

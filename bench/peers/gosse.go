package peers

import (
	"strings"
	"sync"

	sse "github.com/tmaxmax/go-sse"
)

// goSSEStore has a FiniteReplayer for each session, and a mutex around it, for a FiniteReplayer is
// not safe for concurrent use. It keeps what it is given: the payload becomes a string and the
// message another object, both of them the replayer's.
type goSSEStore struct {
	*table[goSSESession]
	own bool
}

type goSSESession struct {
	sync.Mutex
	*sse.FiniteReplayer
}

// goSSETopics is what every message is published on.
var goSSETopics = []string{sse.DefaultTopic}

func openGoSSEAuto(cfg Config) Store { return openGoSSE(cfg, false) }
func openGoSSEOwn(cfg Config) Store  { return openGoSSE(cfg, true) }

func openGoSSE(cfg Config, own bool) Store {
	return goSSEStore{newTable(cfg, func(retain int) *goSSESession {
		return &goSSESession{FiniteReplayer: must(sse.NewFiniteReplayer(retain, !own))}
	}), own}
}

func (g goSSEStore) Append(session int, eventID string, payload []byte) {
	g.put(session, eventID, payload)
}

func (g goSSEStore) AppendID(session int, eventID string, payload []byte) string {
	return g.put(session, eventID, payload).ID.String()
}

func (g goSSEStore) put(session int, eventID string, payload []byte) *sse.Message {
	m := &sse.Message{}
	m.AppendData(string(payload))
	if g.own {
		m.ID = sse.ID(eventID)
	}
	s := g.get(session)
	s.Lock()
	stored, err := s.Put(m, goSSETopics)
	s.Unlock()
	return must(stored, err)
}

func (g goSSEStore) Replay(session int, lastEventID string) int {
	var c goSSECounter
	g.replay(session, lastEventID, &c)
	return int(c)
}

func (g goSSEStore) Events(session int, lastEventID string) []string {
	var c goSSECollector
	g.replay(session, lastEventID, &c)
	return c
}

func (g goSSEStore) replay(session int, lastEventID string, to sse.MessageWriter) {
	s := g.get(session)
	s.Lock()
	err := s.FiniteReplayer.Replay(sse.Subscription{Client: to, LastEventID: sse.ID(lastEventID), Topics: goSSETopics})
	s.Unlock()
	must(0, err)
}

// goSSECounter counts the messages that are sent to it, goSSECollector keeps what is on their data
// line.
type (
	goSSECounter   int
	goSSECollector []string
)

func (c *goSSECounter) Send(*sse.Message) error { *c++; return nil }
func (c *goSSECounter) Flush() error            { return nil }

func (c *goSSECollector) Send(m *sse.Message) error {
	_, data, _ := strings.Cut(m.String(), "data: ")
	*c = append(*c, strings.TrimRight(data, "\n"))
	return nil
}
func (c *goSSECollector) Flush() error { return nil }

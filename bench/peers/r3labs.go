package peers

import (
	"bytes"
	"strconv"
	"sync"

	sse "github.com/r3labs/sse/v2"
)

// r3labsStore has an EventLog for each session, and a mutex around it. The library's server keeps
// its logs the same way behind a channel and a goroutine for each stream, which would cost more.
// The log grows without bound and keeps the slices it is given.
//
// Its Replay cannot be called from outside, for only the server makes subscribers. The loop here is
// the same one, less the channel that it sends to.
type r3labsStore struct{ *table[r3labsSession] }

type r3labsSession struct {
	sync.Mutex
	log sse.EventLog
}

func openR3Labs(cfg Config) Store {
	return r3labsStore{newTable(cfg, func(int) *r3labsSession { return new(r3labsSession) })}
}

func (r r3labsStore) Append(session int, _ string, payload []byte) { r.add(session, payload) }

func (r r3labsStore) AppendID(session int, _ string, payload []byte) string {
	return string(r.add(session, payload).ID)
}

func (r r3labsStore) add(session int, payload []byte) *sse.Event {
	e := &sse.Event{Data: bytes.Clone(payload)}
	s := r.get(session)
	s.Lock()
	s.log.Add(e)
	s.Unlock()
	return e
}

func (r r3labsStore) Replay(session int, lastEventID string) (n int) {
	r.replay(session, lastEventID, func(*sse.Event) { n++ })
	return n
}

func (r r3labsStore) Events(session int, lastEventID string) (events []string) {
	r.replay(session, lastEventID, func(e *sse.Event) { events = append(events, string(e.Data)) })
	return events
}

func (r r3labsStore) replay(session int, lastEventID string, send func(*sse.Event)) {
	last := must(strconv.Atoi(lastEventID))
	s := r.get(session)
	s.Lock()
	defer s.Unlock()
	for i := range s.log {
		if id, _ := strconv.Atoi(string(s.log[i].ID)); id > last {
			send(s.log[i])
		}
	}
}

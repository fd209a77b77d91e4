package peers

import (
	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// repriseStore is a manager whose limits are all there, so that what they cost is counted, and
// reached by MaxEvents alone.
type repriseStore struct {
	own      bool // events have the producers' IDs
	m        *shard.Manager
	ids      bench.IDs
	sessions []*shard.Session
}

func openReprise(cfg Config) Store    { return openManager(cfg, false) }
func openRepriseOwn(cfg Config) Store { return openManager(cfg, true) }

func openManager(cfg Config, own bool) Store {
	r := &repriseStore{own: own, ids: cfg.sessionIDs(), sessions: make([]*shard.Session, cfg.Sessions)}
	r.m = must(shard.New(shard.Config{
		MaxSessions: cfg.Sessions,
		MaxBytes:    64 << 30,
		Ring:        ring.Config{MaxEvents: cfg.Retain}, // and 8 MiB
	}))
	for s := range r.sessions {
		r.sessions[s] = must(r.m.CreateWithID(r.ids.At(s), shard.Metadata{}))
	}
	return r
}

func (r *repriseStore) event(eventID string, payload []byte) ring.Event {
	if !r.own {
		eventID = ""
	}
	return ring.Event{ID: eventID, Data: payload}
}

func (r *repriseStore) Append(session int, eventID string, payload []byte) {
	must(must(r.m.Get(r.ids.At(session))).Append(r.event(eventID, payload)))
}

func (r *repriseStore) AppendHeld(session int, eventID string, payload []byte) {
	must(r.sessions[session].Append(r.event(eventID, payload)))
}

func (r *repriseStore) AppendID(session int, eventID string, payload []byte) string {
	return must(r.sessions[session].Append(r.event(eventID, payload))).ID
}

func (r *repriseStore) Replay(session int, lastEventID string) (n int) {
	cur := must(must(r.m.Get(r.ids.At(session))).Seek(lastEventID))
	var e ring.Event
	for cur.Next(&e) {
		n++
	}
	return n
}

func (r *repriseStore) Events(session int, lastEventID string) (events []string) {
	cur := must(must(r.m.Get(r.ids.At(session))).Seek(lastEventID))
	var e ring.Event
	for cur.Next(&e) {
		events = append(events, string(e.Data))
	}
	return append(events, must([]string(nil), cur.Err())...)
}

func (r *repriseStore) Close() { r.m.Close() }

package peers

import (
	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// repriseStore is a manager whose limits are all there, so that what they cost is counted, and
// reached by MaxEvents alone. Where sessions retain different numbers of events, each number has a
// manager of its own.
type repriseStore struct {
	own      bool // events have the producers' IDs
	managers []*shard.Manager
	ids      bench.IDs
	sessions []*shard.Session
}

func openReprise(cfg Config) Store    { return openManager(cfg, false) }
func openRepriseOwn(cfg Config) Store { return openManager(cfg, true) }

func openManager(cfg Config, own bool) Store {
	r := &repriseStore{own: own, ids: cfg.sessionIDs(), sessions: make([]*shard.Session, cfg.Sessions)}
	n := 1
	if cfg.Most != 0 {
		n = kinds
	}
	for kind := range n {
		r.managers = append(r.managers, must(shard.New(shard.Config{
			MaxSessions: cfg.Sessions,
			MaxBytes:    64 << 30,
			Ring:        ring.Config{MaxEvents: cfg.RetainOf(kind)}, // and 8 MiB
		})))
	}
	for s := range r.sessions {
		r.sessions[s] = must(r.manager(s).CreateWithID(r.ids.At(s), shard.Metadata{}))
	}
	return r
}

func (r *repriseStore) manager(session int) *shard.Manager {
	if len(r.managers) == 1 {
		return r.managers[0]
	}
	return r.managers[session%kinds]
}

func (r *repriseStore) find(session int) *shard.Session {
	s, err := r.manager(session).Get(r.ids.At(session))
	if err != nil {
		panic(err)
	}
	return s
}

func (r *repriseStore) event(eventID string, payload []byte) ring.Event {
	if !r.own {
		eventID = ""
	}
	return ring.Event{ID: eventID, Data: payload}
}

func (r *repriseStore) Append(session int, eventID string, payload []byte) {
	if _, err := r.find(session).Append(r.event(eventID, payload)); err != nil {
		panic(err)
	}
}

func (r *repriseStore) AppendHeld(session int, eventID string, payload []byte) {
	if _, err := r.sessions[session].Append(r.event(eventID, payload)); err != nil {
		panic(err)
	}
}

func (r *repriseStore) AppendID(session int, eventID string, payload []byte) string {
	return must(r.sessions[session].Append(r.event(eventID, payload))).ID
}

// Batch takes a session that has AppendAll, or none: see Batcher.
func (r *repriseStore) Batch(session, n int, payload []byte) func() {
	type batcher interface {
		AppendAll(dst, es []ring.Event) ([]ring.Event, error)
	}
	s, ok := any(r.sessions[session]).(batcher)
	if !ok {
		return nil
	}
	es, dst := make([]ring.Event, n), make([]ring.Event, n)
	for i := range es {
		es[i].Data = payload
	}
	return func() {
		if _, err := s.AppendAll(dst, es); err != nil {
			panic(err)
		}
	}
}

func (r *repriseStore) Replay(session int, lastEventID string) int {
	return count(must(r.find(session).Seek(lastEventID)))
}

func (r *repriseStore) Events(session int, lastEventID string) []string {
	return collect(must(r.find(session).Seek(lastEventID)))
}

func (r *repriseStore) Close() {
	for _, m := range r.managers {
		m.Close()
	}
}

func count(cur ring.Cursor) (n int) {
	var e ring.Event
	for cur.Next(&e) {
		n++
	}
	return n
}

func collect(cur ring.Cursor) (events []string) {
	var e ring.Event
	for cur.Next(&e) {
		events = append(events, string(e.Data))
	}
	return append(events, must([]string(nil), cur.Err())...)
}

package peers

import "github.com/reprise-go/reprise/ring"

// ringStore is rings without sessions around them: nothing finds one by an ID, or ends it.
type ringStore []*ring.Ring

func openRing(cfg Config) Store {
	r := make(ringStore, cfg.Sessions)
	for s := range r {
		r[s] = must(ring.New(ring.Config{MaxEvents: cfg.RetainOf(s)})) // and 8 MiB
	}
	return r
}

func (r ringStore) Append(session int, eventID string, payload []byte) {
	r.AppendHeld(session, eventID, payload)
}

func (r ringStore) AppendHeld(session int, _ string, payload []byte) {
	if _, err := r[session].Append(ring.Event{Data: payload}); err != nil {
		panic(err)
	}
}

func (r ringStore) AppendID(session int, _ string, payload []byte) string {
	return must(r[session].Append(ring.Event{Data: payload})).ID
}

func (r ringStore) Replay(session int, lastEventID string) int {
	return count(must(r[session].Seek(lastEventID)))
}

func (r ringStore) Events(session int, lastEventID string) []string {
	return collect(must(r[session].Seek(lastEventID)))
}

func (r ringStore) Close() {}

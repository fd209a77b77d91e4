package peers

import (
	"strconv"

	"github.com/reprise-go/reprise/bench"
)

// byHandStore is what a good engineer writes in an hour: see [bench.ByHand]. Its event IDs are
// numbers; producers cannot bring their own.
type byHandStore struct {
	*bench.ByHandStore
	ids  bench.IDs
	logs []*bench.ByHand
	give func(l *bench.ByHand, payload []byte) uint64
}

func openByHandCopy(cfg Config) Store { return openByHand(cfg, (*bench.ByHand).AppendCopy) }

// openByHandRef shares one payload among all events: no server can do that, and no store of
// payloads can be faster.
func openByHandRef(cfg Config) Store { return openByHand(cfg, (*bench.ByHand).Append) }

func openByHand(cfg Config, give func(*bench.ByHand, []byte) uint64) Store {
	b := &byHandStore{bench.NewByHandStore(), cfg.sessionIDs(), make([]*bench.ByHand, cfg.Sessions), give}
	for s := range b.logs {
		b.logs[s] = b.Create(b.ids.At(s), cfg.RetainOf(s))
	}
	return b
}

func (b *byHandStore) Append(session int, _ string, payload []byte) {
	b.give(b.Get(b.ids.At(session)), payload)
}

func (b *byHandStore) AppendHeld(session int, _ string, payload []byte) {
	b.give(b.logs[session], payload)
}

func (b *byHandStore) AppendID(session int, _ string, payload []byte) string {
	return strconv.FormatUint(b.give(b.logs[session], payload), 10)
}

func (b *byHandStore) Replay(session int, lastEventID string) int {
	return len(b.after(session, lastEventID))
}

func (b *byHandStore) Events(session int, lastEventID string) (events []string) {
	for _, e := range b.after(session, lastEventID) {
		events = append(events, string(e.Data))
	}
	return events
}

func (b *byHandStore) after(session int, lastEventID string) []bench.ByHandEvent {
	events, ok := b.Get(b.ids.At(session)).After(nil, must(strconv.ParseUint(lastEventID, 10, 64)))
	if !ok {
		panic("by hand: no such event: " + lastEventID)
	}
	return events
}

func (b *byHandStore) Close() {}

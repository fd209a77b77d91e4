package peers

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"

	"github.com/reprise-go/reprise/bench"
)

// centrifugeStore is the memory broker with history, whose events nobody subscribes to. It keeps
// the slices it is given. A client remembers an offset and the history's epoch; here they are one
// string.
type centrifugeStore struct {
	broker *centrifuge.MemoryBroker
	ids    bench.IDs
	cfg    Config
}

func openCentrifuge(cfg Config) Store {
	node := must(centrifuge.New(centrifuge.Config{}))
	c := &centrifugeStore{
		broker: must(centrifuge.NewMemoryBroker(node, centrifuge.MemoryBrokerConfig{})),
		ids:    cfg.sessionIDs(),
		cfg:    cfg,
	}
	must(0, c.broker.RegisterBrokerEventHandler(nobody{}))
	return c
}

func (c *centrifugeStore) Append(session int, _ string, payload []byte) { c.publish(session, payload) }

func (c *centrifugeStore) AppendID(session int, _ string, payload []byte) string {
	at := c.publish(session, payload)
	return strconv.FormatUint(at.Offset, 10) + " " + at.Epoch
}

func (c *centrifugeStore) publish(session int, payload []byte) centrifuge.StreamPosition {
	history := centrifuge.PublishOptions{HistorySize: c.cfg.RetainOf(session), HistoryTTL: time.Hour}
	return must(c.broker.Publish(c.ids.At(session), bytes.Clone(payload), history)).StreamPosition
}

func (c *centrifugeStore) Replay(session int, lastEventID string) int {
	return len(c.history(session, lastEventID))
}

func (c *centrifugeStore) Events(session int, lastEventID string) (events []string) {
	for _, p := range c.history(session, lastEventID) {
		events = append(events, string(p.Data))
	}
	return events
}

func (c *centrifugeStore) history(session int, lastEventID string) []*centrifuge.Publication {
	offset, epoch, _ := strings.Cut(lastEventID, " ")
	since := centrifuge.StreamPosition{Offset: must(strconv.ParseUint(offset, 10, 64)), Epoch: epoch}
	events, _, err := c.broker.History(c.ids.At(session), centrifuge.HistoryOptions{
		Filter: centrifuge.HistoryFilter{Since: &since, Limit: centrifuge.NoLimit},
	})
	return must(events, err)
}

func (c *centrifugeStore) Close() { must(0, c.broker.Close(context.Background())) }

// nobody subscribes.
type nobody struct{}

func (nobody) HandlePublication(
	string,
	*centrifuge.Publication,
	centrifuge.StreamPosition,
	bool,
	*centrifuge.Publication,
) error {
	return nil
}
func (nobody) HandleJoin(string, *centrifuge.ClientInfo) error  { return nil }
func (nobody) HandleLeave(string, *centrifuge.ClientInfo) error { return nil }

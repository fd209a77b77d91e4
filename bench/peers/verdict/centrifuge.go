package verdict

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
)

var centrifuged = Subject{
	Name: "centrifuge", Used: "a Node with its MemoryBroker; a channel for each stream, idempotency keys as " +
		"producers' IDs",
	Open: openCentrifuge,
	Lacks: map[string]string{
		handOver:     "the Node does that in its protocol with the clients, not the broker",
		lateAppend:   "a channel has no end",
		endedSession: "a channel has no end",
	},
}

type centrifugeStore struct {
	node    *centrifuge.Node
	history centrifuge.PublishOption
	own     bool
}

func openCentrifuge(l Limits) (Store, error) {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return nil, err
	}
	broker, err := centrifuge.NewMemoryBroker(node, centrifuge.MemoryBrokerConfig{})
	if err != nil {
		return nil, err
	}
	node.SetBroker(broker)
	ttl := l.TTL
	if ttl == 0 {
		ttl = time.Hour
	}
	return centrifugeStore{node, centrifuge.WithHistory(l.Events, ttl), l.OwnIDs}, node.Run()
}

func (centrifugeStore) channel(session, stream string) string { return session + ":" + stream }

func (centrifugeStore) Open(string, string) error { return nil }

// Append returns offset and epoch, which a client remembers, as one ID.
func (c centrifugeStore) Append(session, stream, ownID, data string) (string, error) {
	options := []centrifuge.PublishOption{c.history}
	if c.own {
		options = append(options, centrifuge.WithIdempotencyKey(ownID))
	}
	r, err := c.node.Publish(c.channel(session, stream), []byte(data), options...)
	return fmt.Sprintf("%d %s", r.Offset, r.Epoch), err
}

// Resume tells a client whether it has recovered by the rule of the Node's own subscriptions: the
// epoch is the same, and what there is begins just after the client's offset.
func (c centrifugeStore) Resume(session, stream, lastEventID string, got func(id, data string)) error {
	number, epoch, _ := strings.Cut(lastEventID, " ")
	offset, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return err
	}
	h, err := c.node.History(c.channel(session, stream), centrifuge.WithHistoryFilter(centrifuge.HistoryFilter{
		Since: &centrifuge.StreamPosition{Offset: offset, Epoch: epoch}, Limit: centrifuge.NoLimit,
	}))
	if err != nil {
		return err
	}
	if n := len(h.Publications); n == 0 && h.Offset != offset || n > 0 && h.Publications[0].Offset != offset+1 {
		return centrifuge.ErrorUnrecoverablePosition
	}
	for _, p := range h.Publications {
		got(fmt.Sprintf("%d %s", p.Offset, h.Epoch), string(p.Data))
	}
	return nil
}

func (centrifugeStore) End(string) error { return nil }

func (c centrifugeStore) Close() { c.node.Shutdown(context.Background()) }

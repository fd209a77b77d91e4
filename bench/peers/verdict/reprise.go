package verdict

import (
	"context"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

var reprise = Subject{
	Name: "Reprise", Used: "shard.Manager, replay.Send and replay.Follow",
	Open: openReprise,
}

func openReprise(l Limits) (Store, error) {
	m, err := shard.New(shard.Config{TTL: l.TTL, Ring: ring.Config{MaxEvents: l.Events}})
	return repriseStore{m, l.OwnIDs}, err
}

type repriseStore struct {
	m   *shard.Manager
	own bool
}

func (r repriseStore) Open(session, _ string) error {
	if _, err := r.m.Get(session); err == nil {
		return nil
	}
	_, err := r.m.CreateWithID(session, shard.Metadata{})
	return err
}

func (r repriseStore) Append(session, stream, ownID, data string) (string, error) {
	s, err := r.m.Get(session)
	if err != nil {
		return "", err
	}
	if !r.own {
		ownID = ""
	}
	e, err := s.Append(ring.Event{ID: ownID, Stream: stream, Data: []byte(data)})
	return e.ID, err
}

func (r repriseStore) Resume(session, _, lastEventID string, got func(id, data string)) error {
	s, err := r.m.Get(session)
	if err != nil {
		return err
	}
	return replay.Send(s, lastEventID, func(e ring.Event) error {
		got(e.ID, string(e.Data))
		return nil
	})
}

func (r repriseStore) Follow(ctx context.Context, session, _, lastEventID string, got func(id, data string)) error {
	s, err := r.m.Get(session)
	if err != nil {
		return err
	}
	for e, failed := range replay.Follow(ctx, s, lastEventID) {
		if failed != nil {
			return failed
		}
		got(e.ID, string(e.Data))
	}
	return nil
}

func (r repriseStore) End(session string) error { return r.m.Terminate(session) }
func (r repriseStore) Close()                   { r.m.Close() }

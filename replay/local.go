package replay

import (
	"context"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Local serves the sessions of m, in this process. No method blocks, so that none looks at its
// context; a method costs what it costs on m. Closing m ends every reader.
func Local(m *shard.Manager) Store { return local{m} }

type local struct{ m *shard.Manager }

func (l local) Create(_ context.Context, id string, md shard.Metadata) (string, error) {
	return l.CreateWith(context.Background(), shard.Options{ID: id, Metadata: md})
}

func (l local) CreateWith(_ context.Context, o shard.Options) (string, error) {
	s, err := l.m.CreateWith(o)
	if err != nil {
		return "", err
	}
	return s.ID(), nil
}

func (l local) Limits() ring.Config { return l.m.Config().Ring }

func (l local) Info(_ context.Context, id string) (shard.Info, error) { return l.m.Info(id) }

func (l local) Update(_ context.Context, id string, change func(*shard.Metadata)) error {
	s, err := l.m.Get(id)
	if err != nil {
		return err
	}
	return s.Update(change)
}

func (l local) Touch(_ context.Context, id string) error {
	s, err := l.m.Get(id)
	if err != nil {
		return err
	}
	return s.Touch()
}

func (l local) Terminate(_ context.Context, id string) error { return l.m.Terminate(id) }

func (l local) Finish(_ context.Context, id string) error {
	s, err := l.m.Get(id)
	if err != nil {
		return err
	}
	return s.Finish()
}

func (l local) Claim(_ context.Context, id, key string) error {
	s, err := l.m.Get(id)
	if err != nil {
		return err
	}
	return s.Claim(key)
}

func (l local) Authorize(_ context.Context, id, principal string) error {
	_, err := l.m.Authorize(id, principal)
	return err
}

func (l local) Append(_ context.Context, id string, e ring.Event) (ring.Event, error) {
	s, err := l.m.Get(id)
	if err != nil {
		return ring.Event{}, err
	}
	return s.Append(e)
}

func (l local) AppendAll(_ context.Context, id string, es []ring.Event) ([]ring.Event, error) {
	s, err := l.m.Get(id)
	if err != nil {
		return nil, err
	}
	return s.AppendAll(nil, es)
}

func (l local) Open(_ context.Context, id string, at Position) (Reader, error) {
	s, err := l.m.Get(id)
	if err != nil {
		return nil, err
	}
	return open(s, at)
}

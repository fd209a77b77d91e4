package replay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// plainStore hides every optional interface of the Store in it.
type plainStore struct{ replay.Store }

func TestOptionalInterfacesAreRefusedByNameWhereAStoreLacksThem(t *testing.T) {
	m, err := shard.New(shard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, s := context.Background(), plainStore{replay.Local(m)}
	id, err := replay.CreateWith(ctx, s, shard.Options{ID: "a"})
	if err != nil || id != "a" {
		t.Fatalf("CreateWith without anything special: %q, %v", id, err)
	}
	if es, err := replay.AppendAll(ctx, s, id, []ring.Event{{ID: "1"}}); err != nil || len(es) != 1 || es[0].Seq != 1 {
		t.Fatalf("AppendAll of one event: %v, %v", es, err)
	}
	_, ttl := replay.CreateWith(ctx, s, shard.Options{TTL: time.Minute})
	_, batch := replay.AppendAll(ctx, s, id, make([]ring.Event, 2))
	for what, err := range map[string]error{
		"TTL": ttl, "AppendAll": batch, "Finish": replay.Finish(ctx, s, id), "Claim": replay.Claim(ctx, s, id, "k"),
	} {
		if !errors.Is(err, replay.ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", what, err)
		}
	}
	if info, err := s.Info(ctx, id); err != nil || info.Log.Last != 1 || info.Status != shard.Active {
		t.Errorf("after refusals: %+v, %v", info, err)
	}
	if err := replay.Finish(ctx, s.Store, id); err != nil {
		t.Error(err)
	}
	if _, err := s.Append(ctx, id, ring.Event{}); !errors.Is(err, shard.ErrFinished) {
		t.Errorf("Append after Finish: %v", err)
	}
}

func TestErrorsOfWritersNameWhatTheyAreAbout(t *testing.T) {
	for _, c := range []struct {
		err, is error
		want    string
	}{
		{&replay.HeldError{ID: "s", Holder: "p1", Left: time.Second}, replay.ErrHeld,
			`replay: another writer holds the session: session "s" is held by "p1" for another 1s`},
		{&replay.MissingError{Last: 7, Next: 9}, replay.ErrMissing,
			"replay: events are missing: sequence 9 does not follow 7, the newest that is stored"},
	} {
		if c.err.Error() != c.want || !errors.Is(c.err, c.is) {
			t.Errorf("%v, want %s", c.err, c.want)
		}
	}
}

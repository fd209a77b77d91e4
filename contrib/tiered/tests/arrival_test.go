package tests

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestAnOpenThatHangsBehindEndsInTime(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	hangs := tampered{back.(whole), func(ctx context.Context, call string, done bool) error {
		if call != "Open" || done {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}}
	s := newTiered(t, hangs, tiered.Config{Timeout: 200 * time.Millisecond})
	writer := newTiered(t, back, tiered.Config{})
	create(t, writer, "elsewhere") // is read behind
	create(t, back, "nobody's")    // is loaded from behind
	for _, id := range []string{"elsewhere", "nobody's"} {
		opened := make(chan error, 1)
		go func() {
			_, err := s.Open(context.Background(), id, replay.Position{})
			opened <- err
		}()
		if err := testkit.Await(t, "Open returns", opened); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open of %s: %v", id, err)
		}
	}
}

// An Append that comes while the session is being created waits for it.
func TestASessionThatIsBeingCreatedIsTakenOverByNobody(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	made, goOn := make(chan struct{}), make(chan struct{})
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if call == "CreateHeld" && done {
			close(made)
			<-goOn
		}
		return nil
	}}, tiered.Config{})
	created, appended := make(chan error, 1), make(chan error, 1)
	go func() { _, err := s.Create(context.Background(), "s", shard.Metadata{}); created <- err }()
	testkit.Await(t, "it is behind", made)
	brief, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	if _, err := s.Append(brief, "s", ring.Event{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append before it is here: %v", err)
	}
	go func() { _, err := s.Append(context.Background(), "s", ring.Event{}); appended <- err }()
	close(goOn)
	if err := testkit.Await(t, "Create returns", created); err != nil {
		t.Errorf("Create: %v", err)
	}
	if err := testkit.Await(t, "Append returns", appended); err != nil {
		t.Errorf("Append: %v", err)
	}
	if _, err := s.Create(t.Context(), "s", shard.Metadata{}); !errors.Is(err, shard.ErrExists) {
		t.Errorf("Create of what is there: %v", err)
	}
}

// A session that was created behind, with the limits that the Store there has, can be written here.
func TestASessionThatWasCreatedBehindIsWrittenHere(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	create(t, back, "s")
	add(t, back, "s", "there")
	s := newTiered(t, back, tiered.Config{Sync: true})
	add(t, s, "s", "here")
	for _, where := range []replay.Store{s, back} {
		if got := texts(stored(t, where, "s", replay.Position{})); len(got) != 2 || got[1] != "here" {
			t.Errorf("%T has %q", where, got)
		}
	}
}

package gosdk

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestAStreamsEventsAreStoredInTheOrderOfTheirIndices(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	mustOpen(t, es, "S", "a")
	storing, begun := make(chan struct{}), make(chan struct{})
	h.append = func(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
		if e.ID == "a_0" {
			close(storing)
			<-begun
			for range 1000 {
				runtime.Gosched() // the second append and the replay would be through by now
			}
		}
		return h.Store.Append(ctx, id, e)
	}
	store := func(index int) {
		if err := es.Append(context.Background(), "S", "a", data("a", index)); err != nil {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { store(0) })
	<-storing
	wg.Go(func() { store(1) })
	wg.Go(func() {
		close(begun)
		if got, err := after(context.Background(), es, "S", "a", -1); err != nil || len(got) == 0 {
			t.Errorf("a replay while the first event is being stored: %q, %v", got, err)
		}
	})
	wg.Wait()
	wantAfter(t, es, "S", "a", -1, 2)
}

func TestReplayIsAllOrErrorWhileEvictionRaces(t *testing.T) {
	es := newStore(t, retaining(256))
	mustOpen(t, es, "S", "a", "b")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for _, stream := range []string{"a", "b"} {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := es.Append(context.Background(), "S", stream, data(stream, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	replays, purges := raceReplays(t, es)
	close(stop)
	wg.Wait()
	t.Logf("%d replays, %d of them purged", replays, purges)
}

// raceReplays replays stream a from near its end, over and over until a hundred replays have
// succeeded, and checks that each of them is whole.
func raceReplays(t *testing.T, es *EventStore) (replays, purges int) {
	t.Helper()
	stream := es.hash("a")
	for end := time.Now().Add(testkit.Patience); replays-purges < 100; {
		if time.Now().After(end) {
			t.Fatalf("%d of %d replays succeeded in %v", replays-purges, replays, testkit.Patience)
		}
		next, err := es.get("S").next(stream)
		if err != nil {
			t.Fatal(err)
		}
		index := max(int(next)-40, -1)
		got, err := after(t.Context(), es, "S", "a", index)
		replays++
		if err != nil {
			if purges++; !errors.Is(err, mcp.ErrEventsPurged) || len(got) > 0 {
				t.Fatalf("After(%d) = %d events, %v", index, len(got), err)
			}
			continue
		}
		for i, d := range got {
			if d != string(data("a", index+1+i)) {
				t.Fatalf("After(%d): event %d is %q", index, index+1+i, d)
			}
		}
		if uint64(index+1+len(got)) < next {
			t.Fatalf("After(%d) ends before %d, which was there", index, next)
		}
	}
	return replays, purges
}

func TestConcurrentAppendsToOneStreamAreDenseAndReplayable(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	const writers, each = 8, 100
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if err := es.Append(context.Background(), "S", "a", []byte("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := 0; n < writers*each; {
			got, err := after(context.Background(), es, "S", "a", -1)
			if err != nil || len(got) < n {
				t.Errorf("After(-1) = %d events, %v, after %d", len(got), err, n)
				return
			}
			n = len(got)
		}
	})
	wg.Wait()
}

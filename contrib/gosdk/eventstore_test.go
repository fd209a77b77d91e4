package gosdk

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestEachAppendTakesOneIndexNilDataIncluded(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	for i, d := range [][]byte{nil, []byte("one"), {}, nil, []byte("four")} {
		if err := es.Append(t.Context(), "S", "a", d); err != nil {
			t.Fatalf("Append number %d: %v", i, err)
		}
	}
	all := []string{"", "one", "", "", "four"}
	for index := -1; index < 7; index++ {
		got, err := after(t.Context(), es, "S", "a", index)
		if want := all[min(index+1, 5):]; err != nil || !slices.Equal(got, want) {
			t.Errorf("After(%d) = %q, %v, want %q", index, got, err, want)
		}
	}
}

func TestEachStreamCountsForItself(t *testing.T) {
	es := newStore(t, shard.Config{})
	streams := []string{"", "a", "a_1", "_", "a_1_0", "~", "with space", "ünïcode\x00\r\n\xff", strings.Repeat("long", 1000)}
	mustOpen(t, es, "S", streams...)
	for i := range 5 {
		for _, stream := range streams {
			mustAppend(t, es, "S", stream, i, 1)
		}
	}
	for _, stream := range streams {
		for index := -1; index < 6; index++ {
			wantAfter(t, es, "S", stream, index, 5)
		}
	}
}

func TestSessionsDoNotShareStreams(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	mustOpen(t, es, "T", "a", "b")
	mustAppend(t, es, "S", "a", 0, 3)
	wantAfter(t, es, "T", "a", -1, 0)
	wantError(t, es, "S", "b", -1, ErrUnknownStream)
}

func TestAfterTellsNeverWrittenFromUnknown(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "")
	wantAfter(t, es, "S", "", -1, 0)
	wantError(t, es, "S", "a", -1, ErrUnknownStream)
	wantError(t, es, "T", "", -1, shard.ErrNotFound)
}

func TestAfterAnIndexThatIsNotThereYetIsEmpty(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	mustAppend(t, es, "S", "a", 0, 3)
	for _, index := range []int{2, 3, 1000, math.MaxInt} {
		if got, err := after(t.Context(), es, "S", "a", index); err != nil || len(got) > 0 {
			t.Errorf("After(%d) = %q, %v", index, got, err)
		}
	}
}

func TestAfterANegativeIndexOtherThanMinusOneIsAnError(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	if got, err := after(t.Context(), es, "S", "a", -2); err == nil || len(got) > 0 {
		t.Fatalf("After(-2) = %q, %v", got, err)
	}
}

func TestAfterIsPurgedWhenAnythingBehindTheIndexIsGone(t *testing.T) {
	es := newStore(t, retaining(4))
	mustOpen(t, es, "S", "a")
	mustAppend(t, es, "S", "a", 0, 10) // 6 to 9 are retained
	for index := -1; index < 5; index++ {
		wantError(t, es, "S", "a", index, mcp.ErrEventsPurged)
	}
	for index := 5; index < 10; index++ { // 5 itself is gone, but nothing after it
		wantAfter(t, es, "S", "a", index, 10)
	}
}

func TestAQuietStreamOutlivesTheEvictionOfItsEvents(t *testing.T) {
	es := newStore(t, retaining(8))
	mustOpen(t, es, "S", "quiet", "busy", "silent")
	mustAppend(t, es, "S", "quiet", 0, 3)
	mustAppend(t, es, "S", "busy", 0, 6) // evicts quiet's first event
	wantError(t, es, "S", "quiet", -1, mcp.ErrEventsPurged)
	wantAfter(t, es, "S", "quiet", 0, 3)
	mustAppend(t, es, "S", "busy", 6, 10) // and the others
	wantError(t, es, "S", "quiet", -1, mcp.ErrEventsPurged)
	wantError(t, es, "S", "quiet", 1, mcp.ErrEventsPurged)
	wantAfter(t, es, "S", "quiet", 2, 3) // nothing after the newest was lost
	wantAfter(t, es, "S", "silent", -1, 0)
	mustAppend(t, es, "S", "quiet", 3, 2)
	wantAfter(t, es, "S", "quiet", 2, 5) // the next one is retained
	wantError(t, es, "S", "quiet", 1, mcp.ErrEventsPurged)
}

func TestARefusedAppendUsesUpItsIndex(t *testing.T) {
	refusal := errors.New("no room")
	for name, refuse := range map[string]func(*EventStore, *hooked) error{
		"too large": func(es *EventStore, _ *hooked) error {
			return es.Append(context.Background(), "S", "a", make([]byte, 4096))
		},
		"refused by the Store": func(es *EventStore, h *hooked) error {
			h.append = func(context.Context, string, ring.Event) (ring.Event, error) { return ring.Event{}, refusal }
			defer func() { h.append = nil }()
			return es.Append(context.Background(), "S", "a", []byte("x"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hooked{Store: replay.Local(newManager(t, shard.Config{Ring: ring.Config{MaxEventBytes: 1024}}))}
			es := New(h)
			mustOpen(t, es, "S", "a", "b")
			mustAppend(t, es, "S", "a", 0, 2)
			mustAppend(t, es, "S", "b", 0, 1)
			if err := refuse(es, h); !errors.Is(err, ring.ErrEventTooLarge) && !errors.Is(err, refusal) {
				t.Fatalf("Append: %v", err)
			}
			wantError(t, es, "S", "a", 1, mcp.ErrEventsPurged) // the refused one is the newest
			wantAfter(t, es, "S", "a", 2, 3)
			mustAppend(t, es, "S", "a", 3, 2)
			for index := -1; index < 2; index++ {
				wantError(t, es, "S", "a", index, mcp.ErrEventsPurged)
			}
			for index := 2; index < 5; index++ {
				wantAfter(t, es, "S", "a", index, 5)
			}
			wantAfter(t, es, "S", "b", -1, 1)
		})
	}
}

func TestAppendCompletesWhenNobodyWaitsForItAnyMore(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	h.append = func(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
		if err := ctx.Err(); err != nil {
			return ring.Event{}, err
		}
		return h.Store.Append(ctx, id, e)
	}
	es := New(h)
	mustOpen(t, es, "S", "a")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := es.Append(gone, "S", "a", data("a", 0)); err != nil {
		t.Fatal(err)
	}
	wantAfter(t, es, "S", "a", -1, 1)
}

func TestOpeningAgainChangesNothing(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	mustAppend(t, es, "S", "a", 0, 3)
	mustOpen(t, es, "S", "a")
	mustAppend(t, es, "S", "a", 3, 1)
	wantAfter(t, es, "S", "a", -1, 4)
}

func TestOnlyOpenMakesStreams(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	if err := es.Append(t.Context(), "S", "b", nil); !errors.Is(err, ErrUnknownStream) {
		t.Fatalf("Append to a stream that was never opened: %v", err)
	}
	if err := es.Append(t.Context(), "T", "a", nil); !errors.Is(err, shard.ErrNotFound) {
		t.Fatalf("Append to a session that was never opened: %v", err)
	}
	wantError(t, es, "S", "b", -1, ErrUnknownStream)
}

func TestAStreamEndsAtItsLastIndexInsteadOfCountingFromZero(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	s := es.get("S")
	s.streams.at(s.streams.find(es.hash("a"))).setNext(maxIndex - 1)
	mustAppend(t, es, "S", "a", maxIndex-1, 1)
	if err := es.Append(t.Context(), "S", "a", nil); !errors.Is(err, errUsedUp) {
		t.Fatalf("Append beyond the last index: %v", err)
	}
	wantAfter(t, es, "S", "a", maxIndex-2, maxIndex)
}

func TestTheSDKMayCallBackAndStopWhileItIterates(t *testing.T) {
	es := newStore(t, retaining(8))
	mustOpen(t, es, "S", "a")
	mustAppend(t, es, "S", "a", 0, 8)
	seen := 0
	for d, err := range es.After(t.Context(), "S", "a", -1) {
		if err != nil || string(d) != string(data("a", seen)) {
			t.Fatalf("event %d: %q, %v", seen, d, err)
		}
		mustAppend(t, es, "S", "a", 8+seen, 1) // evicts what is being iterated
		if seen++; seen == 6 {
			break
		}
	}
	if err := es.SessionClosed(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
}

func TestEachIterationCollectsAnew(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	seq := es.After(t.Context(), "S", "a", -1)
	for n := range 3 {
		count := 0
		for range seq {
			count++
		}
		if count != n {
			t.Fatalf("%d events after %d appends", count, n)
		}
		mustAppend(t, es, "S", "a", n, 1)
	}
}

func TestTheCallersBufferIsNotKept(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	buf := data("a", 0)
	if err := es.Append(t.Context(), "S", "a", buf); err != nil {
		t.Fatal(err)
	}
	clear(buf)
	wantAfter(t, es, "S", "a", -1, 1)
}

func TestEventsOfOthersInAStreamAreNotTheSDKs(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	mustOpen(t, es, "S", "")
	mustAppend(t, es, "S", "", 0, 1)
	s, err := m.Get("S")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(ring.Event{Data: []byte("the application's own")}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, es, "S", "", 1, 1)
	wantAfter(t, es, "S", "", -1, 2)
	wantAfter(t, es, "S", "", 0, 2)
}

func TestAReplayBeginsAtItsEventAndScansNothing(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	mustOpen(t, es, "S", "a")
	mustAppend(t, es, "S", "a", 0, 10)
	var opened []replay.Position
	h.open = func(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
		opened = append(opened, at)
		return h.Store.Open(ctx, id, at)
	}
	wantAfter(t, es, "S", "a", 5, 10)
	wantAfter(t, es, "S", "a", 9, 10)
	if len(opened) != 1 || opened[0].LastEventID != "a_5" {
		t.Fatalf("the Store was read from %+v", opened)
	}
}

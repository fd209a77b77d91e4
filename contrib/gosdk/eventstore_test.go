package gosdk

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
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
	for index := -1; index < 5; index++ {
		got, err := after(t.Context(), es, "S", "a", index)
		if want := all[min(index+1, 5):]; err != nil || !slices.Equal(got, want) {
			t.Errorf("After(%d) = %q, %v, want %q", index, got, err, want)
		}
	}
}

func TestEachStreamCountsForItself(t *testing.T) {
	es := newStore(t, shard.Config{})
	streams := []string{
		"",
		"a",
		"a_1",
		"_",
		"a_1_0",
		"~",
		"with space",
		"ünïcode\x00\r\n\xff",
		strings.Repeat("long", 1000),
	}
	mustOpen(t, es, "S", streams...)
	for i := range 5 {
		for _, stream := range streams {
			mustAppend(t, es, "S", stream, i, 1)
		}
	}
	for _, stream := range streams {
		for index := -1; index < 5; index++ {
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

func TestAfterTheNewestIndexIsEmptyAndAfterALaterOneAnError(t *testing.T) {
	es := newStore(t, shard.Config{})
	mustOpen(t, es, "S", "a")
	wantAfter(t, es, "S", "a", -1, 0)
	wantError(t, es, "S", "a", 0, ring.ErrUnknownID)
	mustAppend(t, es, "S", "a", 0, 3)
	wantAfter(t, es, "S", "a", 2, 3)
	for _, index := range []int{3, 4, 1000, math.MaxInt} {
		wantError(t, es, "S", "a", index, ring.ErrUnknownID)
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

func TestARefusedEventCostsItselfAlone(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		says string
	}{
		"too large":       {ring.ErrEventTooLarge, "larger than"},
		"over the budget": {shard.ErrOverBudget, "no memory"},
		"a failing Store": {errors.New("10.0.0.1: connection refused"), "could not keep it"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
			var log bytes.Buffer
			es, err := NewWith(h, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			mustOpen(t, es, "S", "a", "b")
			refuse := func(message string) {
				t.Helper()
				h.append = func(context.Context, string, ring.Event) (ring.Event, error) { return ring.Event{}, c.err }
				if err := es.Append(t.Context(), "S", "a", []byte(message)); !errors.Is(err, c.err) {
					t.Fatalf("Append: %v", err)
				}
				h.append = nil
			}
			refuse(`{"jsonrpc":"2.0","method":"notifications/progress","params":{}}`) // 0
			mustAppend(t, es, "S", "a", 1, 2)
			refuse(`{"jsonrpc":"2.0","id":"x","result":{}}`) // 3
			refuse(``)                                       // 4
			mustAppend(t, es, "S", "a", 5, 1)
			refuse(`{"jsonrpc":"2.0","id":7,"result":{}}`) // 6, the newest
			mustAppend(t, es, "S", "b", 0, 1)

			whole := []string{
				`"method":"notifications/message"`,
				"a:1",
				"a:2",
				`"id":"x","error":{"code":-32603`,
				"",
				"a:5",
				`"id":7,"error":{"code":-32603`,
			}
			for index := -1; index < len(whole); index++ {
				got, err := after(t.Context(), es, "S", "a", index)
				want := whole[min(index+1, len(whole)):]
				if index == len(whole) && errors.Is(err, ring.ErrUnknownID) {
					continue
				}
				if err != nil || len(got) != len(want) {
					t.Fatalf("After(%d) = %q, %v, want %q", index, got, err, want)
				}
				for i := range want {
					if !strings.Contains(got[i], want[i]) ||
						strings.Contains(want[i], "error") && !strings.Contains(got[i], c.says) ||
						strings.Contains(got[i], "10.0.0.1") {
						t.Errorf(
							"After(%d), event %d: %s, want %s because %s",
							index,
							index+1+i,
							got[i],
							want[i],
							c.says,
						)
					}
				}
			}
			wantAfter(t, es, "S", "b", -1, 1)
			if n := es.Stats().Refused; n != 4 || strings.Count(log.String(), "level=WARN") != 4 {
				t.Errorf("%d refused; the log says:\n%s", n, &log)
			}
		})
	}
}

func TestARefusedEventIsStoodForWhereverTheReplayFindsItsPlace(t *testing.T) {
	const tooLarge = 600
	es := newStore(t, shard.Config{Ring: ring.Config{MaxEvents: 4, MaxEventBytes: 512}})
	mustOpen(t, es, "S", "a", "busy")
	refuse := func() {
		t.Helper()
		if err := es.Append(t.Context(), "S", "a", make([]byte, tooLarge)); !errors.Is(err, ring.ErrEventTooLarge) {
			t.Fatal(err)
		}
	}
	count := func(index, want int) {
		t.Helper()
		if got, err := after(t.Context(), es, "S", "a", index); err != nil || len(got) != want {
			t.Errorf("After(%d) = %q, %v, want %d events", index, got, err, want)
		}
	}
	refuse()
	count(-1, 1) // nothing of the stream is stored
	mustAppend(t, es, "S", "a", 1, 2)
	refuse()
	count(-1, 4)
	count(0, 3)                          // after a refused one
	count(1, 2)                          // after a stored one
	mustAppend(t, es, "S", "busy", 0, 3) // evicts 1
	wantError(t, es, "S", "a", -1, mcp.ErrEventsPurged)
	wantError(t, es, "S", "a", 0, mcp.ErrEventsPurged)
	count(1, 2)                          // after one that is gone
	mustAppend(t, es, "S", "busy", 3, 1) // and 2
	wantError(t, es, "S", "a", 1, mcp.ErrEventsPurged)
	count(2, 1)
}

func TestOnlyTheNewestRefusalsAreRemembered(t *testing.T) {
	es := newStore(t, shard.Config{Ring: ring.Config{MaxEventBytes: 512}})
	mustOpen(t, es, "S", "a")
	for range maxLosts + 1 {
		if err := es.Append(t.Context(), "S", "a", make([]byte, 1000)); err == nil {
			t.Fatal("it was not refused")
		}
	}
	wantError(t, es, "S", "a", -1, mcp.ErrEventsPurged)
	if got, err := after(t.Context(), es, "S", "a", 0); err != nil || len(got) != maxLosts {
		t.Errorf("%d events, %v", len(got), err)
	}
}

func TestAnEventThatTheStoreKeptThoughItsAnswerWasLostIsStored(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	h.append = func(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
		h.Store.Append(ctx, id, e)
		return h.Store.Append(ctx, id, e) // the Store's own second attempt
	}
	es := New(h)
	mustOpen(t, es, "S", "a")
	mustAppend(t, es, "S", "a", 0, 3)
	wantAfter(t, es, "S", "a", -1, 3)
	if n := es.Stats().Refused; n != 0 {
		t.Errorf("%d refused", n)
	}
}

func TestWhoReplaysDoesNotWaitBeyondItsContext(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	entered, release := make(chan struct{}), make(chan struct{})
	h.append = func(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
		close(entered)
		<-release
		return h.Store.Append(ctx, id, e)
	}
	es := New(h)
	mustOpen(t, es, "S", "a")
	stored := make(chan error)
	go func() { stored <- es.Append(context.Background(), "S", "a", data("a", 0)) }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	replayed := make(chan error)
	go func() { _, err := after(ctx, es, "S", "a", -1); replayed <- err }()
	cancel()
	if err := <-replayed; !errors.Is(err, context.Canceled) {
		t.Errorf("After: %v", err)
	}
	close(release)
	if err := <-stored; err != nil {
		t.Error(err)
	}
	wantAfter(t, es, "S", "a", -1, 1)
}

func TestAnEventLimitOutOfRangeIsRefused(t *testing.T) {
	cfg := Config{MaxEventBytes: ring.MaxMaxEventBytes + 1}
	_, storeErr := NewWith(nil, cfg)
	_, handlerErr := Handler(nil, nil, HandlerOptions{Events: cfg})
	for what, err := range map[string]error{"NewWith": storeErr, "Handler": handlerErr} {
		if wrong := (*ring.ConfigError)(nil); !errors.As(err, &wrong) || wrong.Field != "MaxEventBytes" ||
			wrong.Value != ring.MaxMaxEventBytes+1 {
			t.Errorf("%s: error %v, want a *ring.ConfigError with MaxEventBytes and its value", what, err)
		}
	}
	if _, err := NewWith(nil, Config{MaxEventBytes: -1}); err != nil {
		t.Errorf("a negative limit, which means the Store's: %v", err)
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
	es.get("S").streams.Set(es.hash("a"), maxIndex-1)
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

package mcpgo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// streams are IDs of every kind that the interface allows.
var streams = []string{
	"", "a", "b.c", "~", "~a", "with space", "line\r\nbreak", "\x00", "\xff\xfe", "ünïcode",
	"b6f1f6a2-7d8e-4a55-9f3c-0e4b3e6f2f10",
	strings.Repeat("x", maxName), strings.Repeat("x", maxName+1), strings.Repeat("é", 5000),
}

func TestAReplayIsWhatFollowsOnTheSameStream(t *testing.T) {
	es := newStore(t, shard.Config{})
	ids := map[string][]string{}
	for i := range 5 {
		for _, stream := range streams {
			ids[stream] = append(ids[stream], mustStore(t, es, "S", stream, fmt.Sprint(i)))
		}
	}
	for _, stream := range streams {
		for i, id := range ids[stream] {
			wantReplay(t, es, "S", id, stream, []string{"0", "1", "2", "3", "4"}[i+1:]...)
		}
		r, err := replayAfter(t.Context(), es, "S", ids[stream][0])
		if err != nil || strings.Join(r.ids, " ") != strings.Join(ids[stream][1:], " ") {
			t.Errorf("stream %.20q: replayed IDs %q, %v; want %q", stream, r.ids, err, ids[stream][1:])
		}
	}
}

func TestTheStreamIsToldWhenNothingFollows(t *testing.T) {
	es := newStore(t, shard.Config{})
	for _, stream := range streams {
		wantReplay(t, es, "S", mustStore(t, es, "S", stream, "only"), stream)
	}
}

func TestEventIDsAreUniqueShortAndFitForAHeader(t *testing.T) {
	es := newStore(t, shard.Config{})
	seen := map[string]bool{}
	for range 200 {
		for _, stream := range streams {
			id := mustStore(t, es, "S", stream, "m")
			if seen[id] || id == "" || len(id) > 256 || !printable(id) {
				t.Fatalf("ID %q of stream %.20q, seen before: %v", id, stream, seen[id])
			}
			seen[id] = true
		}
	}
}

func TestMessagesAreCopiedAndReturnedAsTheyWere(t *testing.T) {
	es := newStore(t, shard.Config{})
	for _, stream := range streams {
		first := mustStore(t, es, "S", stream, "first")
		for _, message := range []string{"", `{"a":1}`, "\x00\r\n\xff", strings.Repeat("long", 50_000)} {
			buf := []byte(message)
			last := first
			first = mustStore(t, es, "S", stream, "x")
			if _, err := es.StoreEvent(t.Context(), "S", stream, buf); err != nil {
				t.Fatal(err)
			}
			clear(buf)
			r, err := replayAfter(t.Context(), es, "S", last)
			if err != nil || r.messages[len(r.messages)-1] != message {
				t.Fatalf("stream %.20q: %.40q, %v; want %.40q", stream, r.messages, err, message)
			}
		}
	}
}

func TestIDsThatWereNeverIssuedAreUnknown(t *testing.T) {
	es := newStore(t, shard.Config{})
	other := New(es.store)
	id := mustStore(t, es, "S", "a", "m")
	foreign := mustStore(t, es, "T", "a", "m")
	token := id[:tokenLen]
	hashed := mustStore(t, es, "S", "ä", "m")
	for _, unknown := range []string{
		"", "a", "1", ".", token, token + ".", token + ".b", token + "a", id + "a", id + " ", " " + id, "." + id,
		strings.ToUpper(id),
		strings.Repeat("A", tokenLen) + ".a", strings.Repeat("A", 1000), token + "." + strings.Repeat("b",
			300), "é" + id[2:], id[:5] + "\n" + id[6:],
		foreign, hashed[:tokenLen] + ".a", token + hashed[tokenLen:], hashed[:len(hashed)-1], other.newID("S",
			"a"), es.newID("T", "a"),
	} {
		wantRefused(t, es, "S", unknown, server.ErrUnknownEventID, ring.ErrUnknownID)
	}
	wantRefused(t, es, "nobody", id, server.ErrUnknownEventID, shard.ErrNotFound)
	wantRefused(t, es, "", id, server.ErrUnknownEventID, shard.ErrNotFound)
}

func TestDroppedEventsAreToldFromUnknownOnes(t *testing.T) {
	for _, stream := range []string{"a", "ä"} {
		es := newStore(t, retaining(10))
		ids := mustStoreN(t, es, "S", stream, 25)
		for _, id := range ids[:15] {
			wantRefused(t, es, "S", id, server.ErrUnknownEventID, ring.ErrEvicted)
		}
		for i, id := range ids[15:] {
			r, err := replayAfter(t.Context(), es, "S", id)
			if err != nil || len(r.ids) != 9-i {
				t.Fatalf("after event %d: %d events, %v", i, len(r.ids), err)
			}
		}
		if _, err := replayAfter(t.Context(), es, "S", es.newID("T", stream)); errors.Is(err, ring.ErrEvicted) {
			t.Fatalf("an ID of another session: %v", err)
		}
	}
}

func TestAReplayThatEvictionOvertakesIsAnErrorAndNothingElse(t *testing.T) {
	for _, stream := range []string{"a", "ä"} {
		h := &hooked{Store: replay.Local(newManager(t, retaining(10)))}
		es := New(h)
		ids := mustStoreN(t, es, "S", stream, 10)
		h.open = func(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
			r, err := h.Store.Open(ctx, id, at)
			mustStoreN(t, es, "S", "busy", 20) // between opening and reading
			return r, err
		}
		wantRefused(t, es, "S", ids[3], server.ErrUnknownEventID, ring.ErrEvicted)
	}
}

func TestConcurrentReplaysAreCompleteOrRefused(t *testing.T) {
	const writers, each = 4, 2000
	es := newStore(t, retaining(64))
	var wg sync.WaitGroup
	for w := range writers {
		stream := fmt.Sprint("stream", w)
		wg.Go(func() {
			for i := range each {
				id := mustStore(t, es, "S", stream, fmt.Sprint(i))
				if i%7 != 0 {
					continue
				}
				r, err := replayAfter(context.Background(), es, "S", id)
				if err != nil && !errors.Is(err, ring.ErrEvicted) {
					t.Errorf("%v", err)
				}
				if err == nil && (r.stream != stream || len(r.ids) != 0) {
					t.Errorf("%q after the newest of %s: %q", r.stream, stream, r.messages)
				}
			}
		})
		wg.Go(func() { checkReplays(t, es, stream, each) })
	}
	wg.Wait()
}

// checkReplays replays while another goroutine stores the numbers 0, 1, 2, … on stream.
func checkReplays(t *testing.T, es *EventStore, stream string, rounds int) {
	start := mustStore(t, es, "S", stream+"'", "-1")
	for i := range rounds {
		next := mustStore(t, es, "S", stream+"'", fmt.Sprint(i))
		r, err := replayAfter(context.Background(), es, "S", start)
		if err == nil && (len(r.messages) != 1 || r.messages[0] != fmt.Sprint(i)) {
			t.Errorf("%q, want %d alone", r.messages, i)
		}
		start = next
	}
}

func TestAnErrorOfSendStopsTheReplay(t *testing.T) {
	es := newStore(t, shard.Config{})
	ids := mustStoreN(t, es, "S", "a", 10)
	calls := 0
	stream, err := es.ReplayEventsAfter(t.Context(), "S", ids[0], func(string, json.RawMessage) error {
		if calls++; calls == 3 {
			return errDown
		}
		return nil
	})
	if err != errDown || calls != 3 || stream != "" {
		t.Fatalf("%q, %v after %d calls", stream, err, calls)
	}
}

func TestNothingIsHeldWhileSendRuns(t *testing.T) {
	m := newManager(t, shard.Config{MaxAttached: 1, Ring: ring.Config{MaxEvents: 10}})
	es := New(replay.Local(m))
	ids := mustStoreN(t, es, "S", "a", 10)
	var got []string
	stream, err := es.ReplayEventsAfter(t.Context(), "S", ids[0], func(_ string, message json.RawMessage) error {
		got = append(got, string(message))
		if attached := m.Stats().Attached; attached != 0 {
			t.Errorf("%d streams are attached", attached)
		}
		if len(got) == 9 {
			return es.PurgeSession(t.Context(), "S")
		}
		newest := mustStoreN(t, es, "S", "a", 20)[19] // evicts what is being sent
		wantReplay(t, es, "S", newest, "a")
		wantRefused(t, es, "S", ids[0], ring.ErrEvicted)
		return nil
	})
	if want := "a:1 a:2 a:3 a:4 a:5 a:6 a:7 a:8 a:9"; err != nil || stream != "a" || strings.Join(got, " ") != want {
		t.Fatalf("%q, %v, %q; want %q", stream, err, got, want)
	}
}

func TestAFailingStoreIsNoUnknownEvent(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	id := mustStore(t, es, "S", "a", "m")
	for _, cause := range []error{errDown, shard.ErrAttachLimit, shard.ErrClosed, context.DeadlineExceeded} {
		h.open = func(context.Context, string, replay.Position) (replay.Reader, error) { return nil, cause }
		_, err := replayAfter(t.Context(), es, "S", id)
		if !errors.Is(err, cause) || errors.Is(err, server.ErrUnknownEventID) {
			t.Errorf("%v for %v", err, cause)
		}
	}
}

func TestAFinishedSessionCanBeReadToItsEnd(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	ids := mustStoreN(t, es, "S", "a", 3)
	s, err := m.Get("S")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	wantReplay(t, es, "S", ids[0], "a", "a:1", "a:2")
	wantReplay(t, es, "S", ids[2], "a")
	_, err = es.StoreEvent(t.Context(), "S", "a", nil)
	wantError(t, "StoreEvent", err, shard.ErrFinished)
}

func TestEventsThatOthersAppendToAStreamArePassedOver(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	for _, stream := range []string{"a", "ä"} {
		first := mustStore(t, es, "S", stream, "0")
		s, err := m.Get("S")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(ring.Event{Stream: streamName(stream), Data: []byte("somebody else's")}); err != nil {
			t.Fatal(err)
		}
		mustStore(t, es, "S", stream, "1")
		wantReplay(t, es, "S", first, stream, "1")
	}
}

func TestAnAppendWhoseAnswerWasLostIsNoError(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	first := mustStore(t, es, "S", "a", "0")
	h.append = func(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
		h.Store.Append(ctx, id, e)
		return h.Store.Append(ctx, id, e) // as a Store does that tries again by itself
	}
	mustStore(t, es, "S", "a", "1")
	wantReplay(t, es, "S", first, "a", "1")
}

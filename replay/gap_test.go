package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// gapOf decodes a gap event, or fails.
func gapOf(t testing.TB, e received) (lastEventID string, first uint64) {
	t.Helper()
	var gap struct {
		LastEventID *string
		First       *uint64
	}
	if err := json.Unmarshal([]byte(e.Data), &gap); err != nil || e.Type != "gap" || gap.LastEventID == nil ||
		gap.First == nil {
		t.Fatalf("%+v is no gap event: %v", e, err)
	}
	return *gap.LastEventID, *gap.First
}

func datas(events []received) []string {
	all := []string{}
	for _, e := range events {
		all = append(all, e.Data)
	}
	return all
}

func TestGapFromOldestGoesOnBehindAGapEvent(t *testing.T) {
	onEachStore(t, shard.Config{Ring: ring.Config{MaxEvents: 4}}, func(t *testing.T, m *shard.Manager, store Store) {
		s := create(t, m, "s", "")
		evicted := add(t, s, "a:1").ID
		add(t, s, "2", "3", "b:4", "a:5", "a:6") // retained: 3 to 6
		for _, c := range []struct {
			name string
			at   Position
			want []string
		}{
			{"an evicted event", Position{LastEventID: evicted}, []string{"3", "4", "5", "6"}},
			{"an unknown event", Position{LastEventID: `"<&` + "\u2028é"}, []string{"3", "4", "5", "6"}},
			{"on all streams", Position{LastEventID: evicted, All: true}, []string{"3", "4", "5", "6"}},
			{"on the stream that Position names", Position{LastEventID: evicted, Streams: []string{"a"}},
				[]string{"5", "6"}},
			{"on the streams that Position names", Position{LastEventID: evicted, Streams: []string{"a", "b"}},
				[]string{"4", "5", "6"}},
			{"whatever Live says", Position{LastEventID: evicted, Live: true}, []string{"3", "4", "5", "6"}},
			{"with nothing on the stream", Position{LastEventID: evicted, Streams: []string{"c"}}, []string{}},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := &Handler{Store: store, OnGap: GapFromOldest,
					Position: func(*http.Request) Position { return c.at }}
				a := get(t, h, request("GET", "s"))
				events := a.events()
				if len(events) == 0 {
					t.Fatalf("no event in %q", a.Body)
				}
				last, first := gapOf(t, events[0])
				equal(t, "lastEventId", last, c.at.LastEventID)
				equal(t, "first", first, 3)
				equal(t, "the browser's last event ID after the gap event", events[0].LastEventID, s.PositionID(2))
				equal(t, "events", datas(events[1:]), c.want)
				equal(t, "attached", m.Stats().Attached, 0)
			})
		}
	})
}

func TestGapWithNothingRetained(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	h := &Handler{Store: Local(m), OnGap: GapFromOldest}
	last, first := gapOf(t, get(t, h, request("GET", "s", "Last-Event-ID", "old")).events()[0])
	equal(t, "lastEventId", last, "old")
	equal(t, "first", first, 0)
	s.Finish()
	equal(t, "status when nothing will come either", get(t, h, request("GET", "s", "Last-Event-ID", "old")).Code, 204)
}

func TestGapFromOldestKeepsOtherRefusals(t *testing.T) {
	onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
		create(t, m, "theirs", "them")
		h := &Handler{Store: store, OnGap: GapFromOldest}
		equal(t, "foreign", get(t, h, request("GET", "theirs", "Last-Event-ID", "x")).Code, 404)
		equal(t, "unknown", get(t, h, request("GET", "unknown", "Last-Event-ID", "x")).Code, 404)
		equal(t, "malformed", get(t, h, request("GET", "theirs", "Last-Event-ID", "\xff")).Code, 400)
	})
}

// overtake has a stream at a position stall in its first write while much is appended, and returns
// what its client got.
func overtake(t *testing.T, h *Handler, at Position, before, meanwhile func(*shard.Session)) (got []received,
	stats shard.Stats) {
	t.Helper()
	h.Position = func(*http.Request) Position { return at }
	synctest.Test(t, func(t *testing.T) {
		m := must(shard.New(shard.Config{TTL: -1, Ring: ring.Config{MaxEvents: 3}}))
		defer m.Close()
		h.Store = Local(m)
		s := create(t, m, "s", "")
		before(s)
		p := newPipe(t.Context())
		p.stall = true
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(p, request("GET", "s").WithContext(p.ctx))
		}()
		synctest.Wait()
		meanwhile(s)
		p.resume()
		time.Sleep(time.Second)
		p.hangUp()
		<-done
		got, stats = p.parsed.events, m.Stats()
	})
	return got, stats
}

func TestOvertakenInMidStream(t *testing.T) {
	put := func(s *shard.Session, stream string, from, to int) {
		for i := from; i <= to; i++ {
			must(s.Append(ring.Event{ID: fmt.Sprint("id-", i), Stream: stream, Data: fmt.Append(nil, i)}))
		}
	}
	for _, c := range []struct {
		name string
		at   Position
		want []string // data of the events behind the gap event
	}{
		{"every stream", Position{}, []string{"9", "10", "11"}},
		{"a stream by name", Position{Streams: []string{"a"}}, []string{"10"}},
		{"the stream of the last event", Position{LastEventID: "id-1"}, []string{"10"}},
		{"every stream after an event", Position{LastEventID: "id-1", All: true}, []string{"9", "10", "11"}},
	} {
		for _, policy := range []GapPolicy{GapError, GapFromOldest} {
			t.Run(fmt.Sprint(c.name, policy), func(t *testing.T) {
				h := &Handler{OnGap: policy, WriteTimeout: time.Hour}
				got, stats := overtake(t, h, c.at,
					func(s *shard.Session) { put(s, "a", 1, 2) },
					func(s *shard.Session) { put(s, "b", 3, 9); put(s, "a", 10, 10); put(s, "b", 11, 11) })
				before := []string{"1", "2"}
				if c.at.LastEventID != "" {
					before = before[1:]
				}
				equal(t, "gaps counted", stats.Gaps, 1)
				equal(t, "attached", stats.Attached, 0)
				if policy == GapError {
					equal(t, "events until the stream is closed", datas(got), before)
					return
				}
				equal(t, "events before the gap", datas(got[:len(before)]), before)
				last, first := gapOf(t, got[len(before)])
				equal(t, "lastEventId", last, "id-2")
				equal(t, "first", first, 9)
				place := got[len(before)].LastEventID // which names no stream: where one is to be seen the ID stays
				equal(t, "the gap event has a place", place != "id-2" && strings.HasSuffix(place, ".8"),
					c.name != "the stream of the last event")
				equal(t, "events behind it", datas(got[len(before)+1:]), c.want)
			})
		}
	}
}

// fleeting is a Store whose readers are overtaken before their first event, a few times.
type fleeting struct {
	Store
	times int
}

func (f *fleeting) Open(ctx context.Context, id string, at Position) (Reader, error) {
	if f.times--; f.times >= 0 {
		return &overtaken{n: 1}, nil
	}
	return f.Store.Open(ctx, id, at)
}

func TestOvertakenBeforeTheFirstEvent(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	fill(t, s, 2)
	store := &fleeting{Local(m), 1}
	equal(t, "status", get(t, &Handler{Store: store}, request("GET", "s")).Code, 410)
	store.times = 3
	events := get(t, &Handler{Store: store, OnGap: GapFromOldest}, request("GET", "s")).events()
	_, first := gapOf(t, events[0])
	equal(t, "first", first, 1)
	equal(t, "events", datas(events[1:]), []string{"1", "2"})
}

// evicting is a session whose oldest events go between a reader's first event and Info.
type evicting struct{ session }

func (evicting) info(context.Context) (shard.Info, error) {
	return shard.Info{Log: ring.Stats{First: 12}}, nil
}

func TestGapNamesNoSequenceBehindTheEventThatFollows(t *testing.T) {
	s := Stream{session: evicting{}, ready: true, event: ring.Event{Seq: 10}}
	equal(t, "first, with event 10 read before", s.oldest(), 10)
	s.event.Seq = 15 // the first on its stream
	equal(t, "first, with an older one on another stream", s.oldest(), 12)
}

package replay

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// idOf returns the ID that a browser has once it has read an answer, with or without an event.
func idOf(a *answer) string { return parse(a.Body.Bytes()).lastEventID }

func TestWhatTheFirstConnectionSeesTheNextOneSees(t *testing.T) {
	onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
		s := create(t, m, "s", "")
		add(t, s, "a:1", "b:2", "3")
		h := &Handler{Store: store}
		first := get(t, h, request("GET", "s"))
		equal(t, "at first", datas(first.events()), []string{"1", "2", "3"})
		add(t, s, "b:4", "5", "a:6")
		equal(t, "after a reconnect", datas(get(t, h, request("GET", "s", "Last-Event-ID", idOf(first))).events()),
			[]string{"4", "5", "6"})
		h.Position = func(r *http.Request) Position { return Position{LastEventID: r.Header.Get("Last-Event-ID")} }
		equal(t, "by MCP's rule", datas(get(t, h, request("GET", "s", "Last-Event-ID", idOf(first))).events()),
			[]string{"5"})
	})
}

func TestAClientThatIsCutBeforeItsFirstEventLosesNothing(t *testing.T) {
	onEachStore(t, shard.Config{Ring: ring.Config{MaxEvents: 3}}, func(t *testing.T, m *shard.Manager, store Store) {
		s := create(t, m, "s", "")
		for name, h := range map[string]*Handler{
			"from the beginning": {Store: store},
			"live": {Store: store, Position: func(r *http.Request) Position {
				return Position{LastEventID: r.Header.Get("Last-Event-ID"), Live: true, All: true}
			}},
		} {
			s.Append(ring.Event{})
			if name == "from the beginning" {
				s = create(t, m, "fresh", "")
			}
			id := s.ID()
			first := get(t, h, request("GET", id))
			place := idOf(first)
			if place == "" {
				t.Fatalf("%s: no place in %q", name, first.Body)
			}
			add(t, s, "a:missed", "missed too")
			again := get(t, h, request("GET", id, "Last-Event-ID", place))
			equal(t, name, datas(again.events()), []string{"missed", "missed too"})
			fill(t, s, 10)
			equal(t, name+", when what it missed is gone",
				get(t, h, request("GET", id, "Last-Event-ID", place)).Code, 410)
			s = must(m.Get("s"))
		}
	})
}

// A resumed stream begins with the ID that it was asked for, without an event.
func TestAResumedStreamBeginsWithItsID(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	id := add(t, s, "x").ID
	a := get(t, &Handler{Store: Local(m)}, request("GET", "s", "Last-Event-ID", id))
	equal(t, "body", a.Body.String(), ":\nretry: 3000\nid: "+id+"\n\n")
	equal(t, "events", len(a.events()), 0)
}

// placeless is a Store whose readers are no Positioners.
type placeless struct{ Store }

func (p placeless) Open(ctx context.Context, id string, at Position) (Reader, error) {
	r, err := p.Store.Open(ctx, id, at)
	return struct{ Reader }{r}, err
}

func TestAStoreWithoutPlacesLeavesTheLineOut(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	h := &Handler{Store: placeless{Local(m)}, DoneEvent: "done"}
	equal(t, "body", get(t, h, request("GET", "s")).Body.String(), ":\nretry: 3000\n")
	id := add(t, s, "x").ID
	s.Finish()
	equal(t, "events", len(get(t, h, request("GET", "s")).events()), 2)
	equal(t, "one that has everything", get(t, h, request("GET", "s", "Last-Event-ID", id)).Code, 204)
}

func TestALostBeginningIsToldOrCounted(t *testing.T) {
	onEachStore(t, shard.Config{Ring: ring.Config{MaxEvents: 3}}, func(t *testing.T, m *shard.Manager, store Store) {
		s := create(t, m, "s", "")
		told, counted := &Handler{Store: store, OnGap: GapFromOldest}, &Handler{Store: store}
		for n := range 5 {
			add(t, s, "a:x")
			lost := n >= 3
			for _, h := range []*Handler{told, counted} {
				events := get(t, h, request("GET", "s")).events()
				if lost && h == told {
					last, first := gapOf(t, events[0])
					equal(t, "lastEventId", last, "")
					equal(t, "first", first, uint64(n-1))
					equal(t, "its ID", events[0].LastEventID, s.PositionID(uint64(n-2)))
					events = events[1:]
				}
				equal(t, "events", len(events), min(n+1, 3))
				equal(t, "truncated", h.Stats().Truncated, max(0, n-2))
			}
		}
		told.Position = func(*http.Request) Position { return Position{Live: true} }
		equal(t, "a live stream misses nothing that it asked for", len(get(t, told, request("GET", "s")).events()), 0)
		equal(t, "of a stream that an event begins", told.Stats().Gaps, 2)
	})
}

// An application may have events of type "gap" itself.
func TestAnApplicationsOwnGapIsToldApart(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 2}})
	s := create(t, m, "s", "")
	fill(t, s, 3)
	must(s.Append(ring.Event{Type: "gap", Data: []byte(`{"lastEventId":"x","first":1}`)}))
	var marked []bool
	for _, e := range get(t, &Handler{Store: Local(m), OnGap: GapFromOldest}, request("GET", "s")).events() {
		if e.Type == "gap" {
			marked = append(marked, strings.Contains(e.Data, `"reprise":"gap"`))
		}
	}
	equal(t, "marked as the Handler's", marked, []bool{true, false})
}

func TestDoneTellsAFinishedSessionFromABrokenStream(t *testing.T) {
	h := &Handler{DoneEvent: "done"}
	serving(t, h, func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
		id := add(t, s, "x").ID
		s.Finish()
		<-done
		last := p.parsed.events[len(p.parsed.events)-1]
		equal(t, "the last event", last, received{s.PositionID(1), "done", `{"reprise":"done"}`})
		missed := get(t, h, request("GET", "s", "Last-Event-ID", id).WithContext(t.Context()))
		equal(t, "to one that missed it", missed.events(), []received{last})
		equal(t, "to one that had it", get(t, h, request("GET", "s", "Last-Event-ID", last.LastEventID)).Code, 204)
		equal(t, "counted as the application's", h.Stats().Events, 1)
	})
	serving(t, &Handler{DoneEvent: "done"}, func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
		s.Terminate()
		<-done
		equal(t, "events when it was terminated", p.events(), 0)
	})
}

func TestDoneOfASessionWithoutEvents(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "").Finish()
	events := get(t, &Handler{Store: Local(m), DoneEvent: "end"}, request("GET", "s")).events()
	equal(t, "events", len(events), 1)
	equal(t, "type", events[0].Type, "end")
	equal(t, "without the option", get(t, &Handler{Store: Local(m)}, request("GET", "s")).Code, 204)
}

// A reader that skips a gap keeps its place: what is left of a session that has ended meanwhile
// still reaches it, and nobody else gets in.
func TestSkippingAGapKeepsTheReadersPlace(t *testing.T) {
	for name, end := range map[string]func(*shard.Session){
		"finished":   func(s *shard.Session) { s.Finish() },
		"terminated": (*shard.Session).Terminate,
	} {
		synctest.Test(t, func(t *testing.T) {
			m := must(shard.New(shard.Config{TTL: -1, Linger: -1, MaxAttached: 1, Ring: ring.Config{MaxEvents: 3}}))
			defer m.Close()
			s := create(t, m, "s", "")
			p := newPipe(t.Context())
			p.stall = true
			done := make(chan struct{})
			go func() {
				defer close(done)
				(&Handler{Store: Local(m), OnGap: GapFromOldest}).ServeHTTP(p, request("GET", "s").WithContext(p.ctx))
			}()
			synctest.Wait()
			fill(t, s, 8)
			_, err := s.Attach()
			wantErr(t, err, shard.ErrAttachLimit)
			end(s)
			p.resume()
			<-done
			if len(p.parsed.events) == 0 {
				t.Fatalf("%s: nothing arrived", name)
			}
			_, first := gapOf(t, p.parsed.events[0])
			equal(t, name+": first", first, 6)
			equal(t, name+": what is left", datas(p.parsed.events[1:]), []string{"6", "7", "8"})
		})
	}
}

// A Store whose readers cannot skip opens the next one before it closes the one before.
func TestAGapIsSkippedOnAStoreWithoutSkippers(t *testing.T) {
	for _, places := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			m := must(shard.New(shard.Config{TTL: -1, MaxAttached: places, Ring: ring.Config{MaxEvents: 3}}))
			defer m.Close()
			s := create(t, m, "s", "")
			p := newPipe(t.Context())
			p.stall = true
			done := make(chan struct{})
			go func() {
				defer close(done)
				(&Handler{Store: placeless{Local(m)}, OnGap: GapFromOldest}).ServeHTTP(p,
					request("GET", "s").WithContext(p.ctx))
			}()
			synctest.Wait()
			fill(t, s, 8)
			p.resume()
			time.Sleep(time.Second)
			p.hangUp()
			<-done
			_, first := gapOf(t, p.parsed.events[0])
			equal(t, "first", first, 6)
			equal(t, "what is left", datas(p.parsed.events[1:]), []string{"6", "7", "8"})
			equal(t, "attached", m.Stats().Attached, 0)
		})
	}
}

package replay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestPosition(t *testing.T) {
	for _, c := range []struct {
		name string
		at   func(id string) Position // id is that of a:2
		want []string
	}{
		{"zero: everything retained, then what comes", func(string) Position { return Position{} },
			[]string{"1", "2", "3", "4", "5", "6", "7", "8"}},
		{"LastEventID: after it, on its stream", func(id string) Position { return Position{LastEventID: id} },
			[]string{"4", "7"}},
		{"LastEventID and All", func(id string) Position { return Position{LastEventID: id, All: true} },
			[]string{"3", "4", "5", "6", "7", "8"}},
		{"LastEventID and another stream",
			func(id string) Position { return Position{LastEventID: id, Streams: []string{"b"}} },
			[]string{"3", "6", "8"}},
		{"LastEventID and two streams", func(id string) Position {
			return Position{LastEventID: id,
				Streams: []string{"b", "a", "b"}}
		}, []string{"3", "4", "6", "7", "8"}},
		{"Live: what comes", func(string) Position { return Position{Live: true} }, []string{"6", "7", "8"}},
		{"Live and a stream", func(string) Position { return Position{Live: true, Streams: []string{"b"}} },
			[]string{"6", "8"}},
		{"LastEventID takes precedence over Live",
			func(id string) Position { return Position{LastEventID: id, Live: true} }, []string{"4", "7"}},
		{"one stream", func(string) Position { return Position{Streams: []string{"a"}} }, []string{"2", "4", "7"}},
		{"the default stream", func(string) Position { return Position{Streams: []string{""}} }, []string{"1", "5"}},
		{"two streams", func(string) Position { return Position{Streams: []string{"", "b"}} },
			[]string{"1", "3", "5", "6", "8"}},
		{"no such stream", func(string) Position { return Position{Streams: []string{"c"}} }, []string{}},
		{"All takes precedence over Streams",
			func(string) Position { return Position{All: true, Streams: []string{"a"}} },
			[]string{"1", "2", "3", "4", "5", "6", "7", "8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(t, ring.Config{})
			id := add(t, s, "1", "a:2").ID
			add(t, s, "b:3", "a:4", "5")
			r := mustOpen(t, s, c.at(id))
			got := ready(r)
			add(t, s, "b:6", "a:7", "b:8")
			equal(t, "events", append(got, ready(r)...), c.want)
			wantErr(t, r.Err(), nil)
		})
	}
}

func TestPositionKeepsNoReferenceToTheCallersStreams(t *testing.T) {
	s := newSession(t, ring.Config{})
	streams := []string{"a", "b"}
	r := mustOpen(t, s, Position{Streams: streams})
	streams[0], streams[1] = "x", "y"
	add(t, s, "a:1", "x:2", "b:3")
	equal(t, "events", ready(r), []string{"1", "3"})
}

func TestOpenRefuses(t *testing.T) {
	m := newManager(t, shard.Config{MaxAttached: 1, Ring: ring.Config{MaxEvents: 2}})
	other := create(t, m, "other", "")
	foreign := add(t, other, "x").ID
	s := create(t, m, "s", "")
	evicted := add(t, s, "1").ID
	own, err := s.Append(ring.Event{ID: "own"})
	if err != nil {
		t.Fatal(err)
	}
	newest := add(t, s, "2", "3").ID

	for _, c := range []struct {
		name, id string
		want     error
	}{
		{"an evicted assigned ID", evicted, ring.ErrEvicted},
		{"an evicted ID of one's own", own.ID, ring.ErrUnknownID},
		{"another session's ID", foreign, ring.ErrUnknownID},
		{"an ID from the future", newest[:len(newest)-1] + "9", ring.ErrUnknownID},
		{"an ID that never was", "nonsense", ring.ErrUnknownID},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(s, Position{LastEventID: c.id})
			wantErr(t, err, c.want)
			equal(t, "attached", s.Info().Attached, 0)
		})
	}
	t.Run("more readers than MaxAttached", func(t *testing.T) {
		r := mustOpen(t, s, Position{})
		_, err := open(s, Position{})
		wantErr(t, err, shard.ErrAttachLimit)
		r.Close()
		mustOpen(t, s, Position{}).Close()
	})
	t.Run("a session that has ended", func(t *testing.T) {
		s.Terminate()
		_, err := open(s, Position{})
		wantErr(t, err, shard.ErrNotFound)
	})
}

func TestReaderAttachesUntilClosed(t *testing.T) {
	s := newSession(t, ring.Config{})
	r := mustOpen(t, s, Position{})
	equal(t, "attached", s.Info().Attached, 1)
	add(t, s, "1")
	r.Close()
	r.Close()
	equal(t, "attached", s.Info().Attached, 0)
	var e ring.Event
	if r.Next(&e) {
		t.Error("Next after Close")
	}
	wantErr(t, r.Err(), ErrClosed)
	wantErr(t, r.Wait(t.Context()), nil)
}

func TestReaderHoldsExpiryOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s := create(t, m, "s", "")
		r, err := open(s, Position{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wantErr(t, s.Err(), nil)
		r.Close()
		time.Sleep(time.Minute)
		wantErr(t, s.Err(), shard.ErrNotFound)
	})
}

func TestOvertakenReaderFailsForGood(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 2}})
	s := create(t, m, "s", "")
	add(t, s, "1", "2")
	r := mustOpen(t, s, Position{})
	var e ring.Event
	if !r.Next(&e) {
		t.Fatal("nothing to read")
	}
	add(t, s, "3", "4")
	for range 3 {
		if r.Next(&e) {
			t.Fatalf("read %q behind a gap", e.Data)
		}
		wantErr(t, r.Err(), ring.ErrEvicted)
		wantErr(t, r.Wait(t.Context()), nil)
	}
	equal(t, "data read before stays", string(e.Data), "1")
	equal(t, "gaps", m.Stats().Gaps, 1)
}

func TestReaderEndsAfterTheLastStoredEvent(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*shard.Session)
		want error
	}{
		{"terminated", (*shard.Session).Terminate, shard.ErrNotFound},
		{"finished", func(s *shard.Session) { s.Finish() }, shard.ErrFinished},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(t, ring.Config{})
			r := mustOpen(t, s, Position{})
			add(t, s, "1", "2")
			c.end(s)
			wantErr(t, r.Err(), nil)
			equal(t, "events", ready(r), []string{"1", "2"})
			wantErr(t, r.Err(), c.want)
			wantErr(t, r.Wait(t.Context()), nil)
		})
	}
}

func TestEventStoredWhileTheReaderLearnsOfTheEndIsRead(t *testing.T) {
	s := newSession(t, ring.Config{})
	r := mustOpen(t, s, Position{}).(*reader)
	var e ring.Event
	if r.scan(&e) {
		t.Fatal("something to read")
	}
	add(t, s, "last")
	s.Terminate()
	if !r.lookAgain(&e) || string(e.Data) != "last" {
		t.Fatalf("read %q, want the last event", e.Data)
	}
	if r.Next(&e) {
		t.Errorf("read %q behind the last event", e.Data)
	}
	wantErr(t, r.Err(), shard.ErrNotFound)
}

func TestFinishedSessionCanBeOpened(t *testing.T) {
	s := newSession(t, ring.Config{})
	id := add(t, s, "1").ID
	add(t, s, "2")
	s.Finish()
	r := mustOpen(t, s, Position{LastEventID: id})
	equal(t, "events", ready(r), []string{"2"})
	wantErr(t, r.Err(), shard.ErrFinished)
}

func TestClosedManagerEndsReadersWithNotFound(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	r := mustOpen(t, s, Position{})
	add(t, s, "1")
	m.Close()
	equal(t, "events", ready(r), []string{"1"})
	wantErr(t, r.Err(), shard.ErrNotFound)
}

func TestWait(t *testing.T) {
	const delay = time.Second
	for _, c := range []struct {
		name  string
		at    Position
		after func(*testing.T, *shard.Session) // runs a second later
		want  string                           // data of the event that is ready then
		err   error                            // of the reader then
	}{
		{"ends with an event", Position{}, func(t *testing.T, s *shard.Session) { add(t, s, "1") }, "1", nil},
		{"ignores other streams", Position{Streams: []string{"a"}}, func(t *testing.T, s *shard.Session) {
			add(t, s, "b:1", "2")
			time.Sleep(delay)
			add(t, s, "b:3", "a:4")
		}, "4", nil},
		{"ignores streams that are not among several", Position{Streams: []string{"a", "c"}},
			func(t *testing.T, s *shard.Session) {
				add(t, s, "b:1", "2")
				time.Sleep(delay)
				add(t, s, "b:3", "c:4")
			}, "4", nil},
		{"ends with the session", Position{}, func(_ *testing.T, s *shard.Session) { s.Terminate() }, "",
			shard.ErrNotFound},
		{"ends when the session has finished", Position{Streams: []string{"a"}}, func(t *testing.T, s *shard.Session) {
			add(t, s, "b:1")
			s.Finish()
		}, "", shard.ErrFinished},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, err := shard.New(shard.Config{TTL: -1})
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				s := create(t, m, "s", "")
				r, err := open(s, c.at)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				go func() {
					time.Sleep(delay)
					c.after(t, s)
				}()
				wantErr(t, r.Wait(t.Context()), nil)
				wantErr(t, r.Wait(t.Context()), nil) // says it again
				var e ring.Event
				if got := r.Next(&e); got != (c.want != "") || got && string(e.Data) != c.want {
					t.Errorf("Next %v %q, want %q", got, e.Data, c.want)
				}
				wantErr(t, r.Err(), c.err)
			})
		})
	}
}

// Wait may have read ahead: that is no reason for the reader to be at its end.
func TestErrIsNilWhileAnEventIsLeft(t *testing.T) {
	s := newSession(t, ring.Config{})
	r := mustOpen(t, s, Position{})
	defer r.Close()
	add(t, s, "last")
	s.Terminate()
	if err := r.Wait(t.Context()); err != nil || r.Err() != nil {
		t.Fatalf("Wait: %v; Err with an event left: %v", err, r.Err())
	}
	var e ring.Event
	if !r.Next(&e) || string(e.Data) != "last" {
		t.Fatalf("the last event is %q", e.Data)
	}
	equal(t, "Next behind it", r.Next(&e), false)
	wantErr(t, r.Err(), shard.ErrNotFound)
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s := create(t, m, "s", "")
		r, err := open(s, Position{Streams: []string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		add(t, s, "b:1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, r.Wait(ctx), context.DeadlineExceeded)
		wantErr(t, r.Err(), nil)
		add(t, s, "a:2")
		wantErr(t, r.Wait(ctx), nil) // what is ready counts more than a context that has ended
		equal(t, "events", ready(r), []string{"2"})
	})
}

func TestReplayedCountsWhatWasStoredBeforeTheReader(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	id := add(t, s, "1").ID
	add(t, s, "2", "3", "a:4")

	r := mustOpen(t, s, Position{LastEventID: id})
	ready(r)
	equal(t, "replayed after LastEventID", m.Stats().Replayed, 2)
	add(t, s, "5", "6")
	ready(r)
	equal(t, "live events are not replayed", m.Stats().Replayed, 2)

	r = mustOpen(t, s, Position{Live: true})
	add(t, s, "7")
	ready(r)
	equal(t, "a live reader replays nothing", m.Stats().Replayed, 2)

	r = mustOpen(t, s, Position{})
	var e ring.Event
	r.Next(&e)
	r.Close()
	equal(t, "a reader that stopped early", m.Stats().Replayed, 3)

	r = mustOpen(t, s, Position{})
	if err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Close()
	equal(t, "what Wait has seen and Next has not returned", m.Stats().Replayed, 3)
}

func TestReadingDoesNotAllocate(t *testing.T) {
	s := newSession(t, ring.Config{MaxEvents: 4096})
	fill(t, s, 3000)
	for _, at := range []Position{{}, {Streams: []string{""}}, {Streams: []string{"", "a"}}} {
		r := mustOpen(t, s, at)
		var e ring.Event
		if n := testing.AllocsPerRun(2000, func() {
			if r.Wait(t.Context()) != nil || !r.Next(&e) {
				t.Fatal("nothing to read")
			}
		}); n != 0 {
			t.Errorf("%v allocations per event at %+v", n, at)
		}
	}
}

func TestAReaderNamesThePlaceWhereItStands(t *testing.T) {
	s := newSession(t, ring.Config{})
	r := mustOpen(t, s, Position{})
	place := func() string { return r.(Positioner).PositionID() }
	equal(t, "in an empty session", place(), s.PositionID(0))
	add(t, s, "a:1", "b:2", "a:3")
	wantErr(t, r.Wait(t.Context()), nil)
	equal(t, "with an event that Next has not returned", place(), s.PositionID(0))
	var e ring.Event
	for r.Next(&e) {
		equal(t, "after an event", place(), s.PositionID(e.Seq))
	}
	live := mustOpen(t, s, Position{Live: true})
	equal(t, "live", live.(Positioner).PositionID(), s.PositionID(3))
	again := mustOpen(t, s, Position{LastEventID: s.PositionID(1)})
	equal(t, "opened at a place", again.(Positioner).PositionID(), s.PositionID(1))
	equal(t, "what comes then, on every stream", ready(again), []string{"2", "3"})
}

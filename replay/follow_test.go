package replay

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// collect ranges to the end and returns the data of all events and the error.
func collect(seq iter.Seq2[ring.Event, error]) ([]string, error) {
	var events []ring.Event
	for e, err := range seq {
		if err != nil {
			return texts(events), err
		}
		events = append(events, e)
	}
	return texts(events), nil
}

func TestAfter(t *testing.T) {
	s := newSession(t, ring.Config{})
	id := add(t, s, "1", "a:2").ID
	last := add(t, s, "3", "a:4", "5").ID
	for _, c := range []struct {
		name, id string
		want     []string
	}{
		{"of nothing is everything", "", []string{"1", "2", "3", "4", "5"}},
		{"of an event is what follows on its stream", id, []string{"4"}},
		{"of the newest is nothing", last, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := After(s, c.id)
			for range 2 { // iterators can be used again
				got, err := collect(after)
				wantErr(t, err, nil)
				equal(t, "events", got, c.want)
			}
		})
	}
	t.Run("begins anew with each range", func(t *testing.T) {
		after := After(s, last)
		collect(after)
		add(t, s, "6")
		got, _ := collect(after)
		equal(t, "events", got, []string{"6"})
	})
}

func TestAfterOfAQuietStreamAmongManyEvents(t *testing.T) {
	s := newSession(t, ring.Config{})
	id := add(t, s, "quiet:1").ID
	for range 300 {
		add(t, s, "busy:x")
	}
	add(t, s, "quiet:2", "busy:x", "quiet:3")
	got, err := collect(After(s, id))
	wantErr(t, err, nil)
	equal(t, "events", got, []string{"2", "3"})
	if n := testing.AllocsPerRun(10, func() { collect(After(s, id)) }); n > 12 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}

func TestAfterAnswersOneErrorAndNothingElse(t *testing.T) {
	s := newSession(t, ring.Config{MaxEvents: 2})
	evicted := add(t, s, "1").ID
	add(t, s, "2", "3")
	ended := newSession(t, ring.Config{})
	add(t, ended, "1")
	ended.Terminate()
	for _, c := range []struct {
		name string
		s    *shard.Session
		id   string
		want error
	}{
		{"evicted", s, evicted, ring.ErrEvicted},
		{"unknown", s, "x", ring.ErrUnknownID},
		{"ended", ended, "", shard.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			for e, err := range After(c.s, c.id) {
				n++
				wantErr(t, err, c.want)
				equal(t, "event", e, ring.Event{})
			}
			equal(t, "pairs", n, 1)
			wantErr(t, Send(c.s, c.id, func(ring.Event) error { t.Error("sent"); return nil }), c.want)
		})
	}
}

func TestAfterIsCompleteWhateverTheLoopDoes(t *testing.T) {
	s := newSession(t, ring.Config{MaxEvents: 4})
	fill(t, s, 4)
	var got []string
	for e, err := range After(s, "") {
		wantErr(t, err, nil)
		fill(t, s, 10) // evicts everything
		got = append(got, string(e.Data))
	}
	equal(t, "events", got, []string{"1", "2", "3", "4"})
}

func TestAfterStopsWhenTheLoopBreaks(t *testing.T) {
	s := newSession(t, ring.Config{})
	fill(t, s, 3)
	for range After(s, "") {
		break
	}
}

func TestAfterOnFinishedSession(t *testing.T) {
	s := newSession(t, ring.Config{})
	id := fill(t, s, 3)[0].ID
	s.Finish()
	got, err := collect(After(s, id))
	wantErr(t, err, nil)
	equal(t, "events", got, []string{"2", "3"})
}

func TestAfterCountsReplays(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	fill(t, s, 3)
	collect(After(s, ""))
	equal(t, "replayed", m.Stats().Replayed, 3)
}

func TestSendInOrder(t *testing.T) {
	s := newSession(t, ring.Config{})
	id := fill(t, s, 4)[0].ID
	var got []ring.Event
	wantErr(t, Send(s, id, func(e ring.Event) error { got = append(got, e); return nil }), nil)
	equal(t, "events", texts(got), []string{"2", "3", "4"})
}

func TestSendStopsAtItsFirstError(t *testing.T) {
	s := newSession(t, ring.Config{})
	fill(t, s, 4)
	broken := errors.New("broken")
	n := 0
	err := Send(s, "", func(ring.Event) error {
		if n++; n == 2 {
			return broken
		}
		return nil
	})
	if err != broken || n != 2 {
		t.Errorf("%v after %d events, want %v after 2", err, n, broken)
	}
}

func TestSendHoldsNothing(t *testing.T) {
	s := newSession(t, ring.Config{MaxEvents: 4})
	fill(t, s, 4)
	n := 0
	err := Send(s, "", func(e ring.Event) error {
		n++
		add(t, s, "from send")
		if err := Send(s, "", func(ring.Event) error { return nil }); err != nil {
			return err
		}
		s.Terminate() // and what was collected still arrives
		s = newSession(t, ring.Config{})
		return nil
	})
	wantErr(t, err, nil)
	equal(t, "sent", n, 4)
}

func TestFollowYieldsStoredThenLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := shard.New(shard.Config{TTL: -1})
		defer m.Close()
		s := create(t, m, "s", "")
		id := fill(t, s, 3)[0].ID
		go func() {
			for _, text := range []string{"4", "5"} {
				time.Sleep(time.Second)
				add(t, s, text)
			}
			time.Sleep(time.Second)
			add(t, s, "6")
			s.Terminate()
		}()
		got, err := collect(Follow(t.Context(), s, id))
		equal(t, "events", got, []string{"2", "3", "4", "5", "6"})
		wantErr(t, err, shard.ErrNotFound)
		equal(t, "attached", s.Info().Attached, 0)
	})
}

func TestFollowEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(s *shard.Session, cancel func())
		want error
	}{
		{"with its context", func(_ *shard.Session, cancel func()) { cancel() }, context.Canceled},
		{"when the session has ended", func(s *shard.Session, _ func()) { s.Terminate() }, shard.ErrNotFound},
		{"when the session has finished", func(s *shard.Session, _ func()) { s.Finish() }, shard.ErrFinished},
		{"when overtaken", func(s *shard.Session, _ func()) {
			for range 5 {
				s.Append(ring.Event{})
			}
		}, ring.ErrEvicted},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 4}})
			s := create(t, m, "s", "")
			add(t, s, "1")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			follow := Follow(ctx, s, "")
			var last error
			n := 0
			for _, err := range follow {
				n++
				if n == 1 {
					wantErr(t, err, nil)
					equal(t, "attached", s.Info().Attached, 1)
					c.end(s, cancel)
				}
				last = err
			}
			equal(t, "pairs", n, 2)
			wantErr(t, last, c.want)
			equal(t, "attached", m.Stats().Attached, 0)
		})
	}
}

func TestFollowRefuses(t *testing.T) {
	s := newSession(t, ring.Config{})
	_, err := collect(Follow(t.Context(), s, "unknown"))
	wantErr(t, err, ring.ErrUnknownID)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	add(t, s, "1")
	got, err := collect(Follow(ctx, s, ""))
	wantErr(t, err, context.Canceled)
	equal(t, "events", got, []string{})
	s.Terminate()
	_, err = collect(Follow(t.Context(), s, ""))
	wantErr(t, err, shard.ErrNotFound)
}

func TestFollowDetachesWhenTheLoopBreaks(t *testing.T) {
	s := newSession(t, ring.Config{})
	add(t, s, "1", "2")
	follow := Follow(t.Context(), s, "")
	for range 2 {
		for e, err := range follow {
			wantErr(t, err, nil)
			equal(t, "begins anew", string(e.Data), "1")
			break
		}
		equal(t, "attached", s.Info().Attached, 0)
	}
}

func TestFollowDetachesWhenTheLoopPanics(t *testing.T) {
	s := newSession(t, ring.Config{})
	add(t, s, "1")
	func() {
		defer func() { recover() }()
		for range Follow(t.Context(), s, "") {
			panic("in the loop")
		}
	}()
	equal(t, "attached", s.Info().Attached, 0)
}

func TestAllClosesTheReader(t *testing.T) {
	s := newSession(t, ring.Config{})
	add(t, s, "1")
	r := mustOpen(t, s, Position{})
	all := All(t.Context(), r)
	for range all {
		break
	}
	equal(t, "attached", s.Info().Attached, 0)
	_, err := collect(all)
	wantErr(t, err, ErrClosed)
}

func TestDrain(t *testing.T) {
	s := newSession(t, ring.Config{MaxEvents: 3})
	r := mustOpen(t, s, Position{})
	drain := func(want []string, wanted error) {
		t.Helper()
		events, err := Drain(r)
		wantErr(t, err, wanted)
		equal(t, "events", texts(events), want)
	}
	drain(nil, nil)
	add(t, s, "1", "2")
	drain([]string{"1", "2"}, nil)
	drain(nil, nil)
	add(t, s, "3")
	wantErr(t, r.Wait(t.Context()), nil)
	drain([]string{"3"}, nil)
	add(t, s, "4", "5")
	s.Finish()
	drain([]string{"4", "5"}, nil)
	drain(nil, shard.ErrFinished)
	r.Close()
	drain(nil, shard.ErrFinished)

	s = newSession(t, ring.Config{MaxEvents: 3})
	r = mustOpen(t, s, Position{})
	fill(t, s, 4)
	drain(nil, ring.ErrEvicted)

	r = mustOpen(t, s, Position{})
	r.Close()
	drain(nil, ErrClosed)

	r = mustOpen(t, s, Position{})
	s.Terminate()
	drain([]string{"2", "3", "4"}, nil)
	drain(nil, shard.ErrNotFound)
}

// overtaken is a Reader of somebody else's that fails after one event.
type overtaken struct{ n int }

func (o *overtaken) Next(*ring.Event) bool      { o.n++; return o.n == 1 }
func (o *overtaken) Err() error                 { return ring.ErrEvicted }
func (o *overtaken) Wait(context.Context) error { return nil }
func (o *overtaken) Close()                     {}

func TestDrainIsAllOrOneError(t *testing.T) {
	events, err := Drain(&overtaken{})
	wantErr(t, err, ring.ErrEvicted)
	equal(t, "events", len(events), 0)
}

func TestDrainEndsUnderConstantAppends(t *testing.T) {
	s := newSession(t, ring.Config{MaxEvents: 1 << 16})
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				s.Append(ring.Event{})
			}
		}
	}()
	for range 20 {
		r := mustOpen(t, s, Position{})
		for range 5 {
			events, err := Drain(r)
			if errors.Is(err, ring.ErrEvicted) {
				break // the writer was faster: not the point here
			}
			wantErr(t, err, nil)
			if !slices.IsSortedFunc(events, func(a, b ring.Event) int { return int(a.Seq) - int(b.Seq) }) {
				t.Error("out of order")
			}
		}
		r.Close()
	}
	close(stop)
	<-done
}

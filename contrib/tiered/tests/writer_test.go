package tests

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// wantAll wants every confirmed event in the log, once, in order, and no sequence missing.
func wantAll(t *testing.T, events []ring.Event, confirmed []string) {
	t.Helper()
	has := make(map[string]int)
	for i, e := range events {
		if e.Seq != uint64(i)+1 {
			t.Fatalf("sequence %d is event %d", e.Seq, i+1)
		}
		has[fmt.Sprint(e.Seq, " ", e.ID, " ", string(e.Data))]++
	}
	for _, c := range confirmed {
		if has[c] != 1 {
			t.Fatalf("confirmed %q is there %d times, of %d events", c, has[c], len(events))
		}
	}
}

// takeOver appends until this process may.
func takeOver(t *testing.T, s *tiered.Store) ring.Event {
	t.Helper()
	var e ring.Event
	testkit.Eventually(t, "the session is taken over", func() bool {
		var err error
		e, err = s.Append(t.Context(), sessionID, ring.Event{Data: []byte("taken over")})
		if err != nil && !errors.Is(err, tiered.ErrElsewhere) {
			t.Fatal(err)
		}
		return err == nil
	})
	return e
}

func TestAnotherProcessGoesOnWhereAKilledOneWas(t *testing.T) {
	addr := newServer(t).addr
	w := startProcess(t, "redis "+addr+" k")
	var confirmed []string
	confirmed = append(confirmed, w.await(t, 200)...)
	back := newRedis(t, addr, redis.Config{Prefix: "k"})
	s := newTiered(t, back, tiered.Config{Sync: true, Term: term})
	r, err := s.Open(t.Context(), sessionID, replay.Position{}) // reads what another process writes
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := s.Append(t.Context(), sessionID, ring.Event{}); !errors.Is(err, tiered.ErrElsewhere) {
		t.Fatalf("Append while another process writes: %v", err)
	}
	w.cmd.Process.Kill()
	confirmed = append(confirmed, w.rest()...)
	last := takeOver(t, s)
	events := stored(t, s, sessionID, replay.Position{})
	wantAll(t, events, confirmed)
	if end := events[len(events)-1]; end.Seq != last.Seq || end.ID != last.ID {
		t.Errorf("the newest event is %d %q, want %d %q", end.Seq, end.ID, last.Seq, last.ID)
	}
	if info, err := s.Info(t.Context(), sessionID); err != nil || info.Principal != "alice" {
		t.Errorf("the session is %+v, %v", info, err)
	}
	seen := uint64(0)
	for seen < last.Seq { // the reader that was there before sees all of it, once
		var e ring.Event
		if !r.Next(&e) {
			if err := r.Wait(t.Context()); err != nil || r.Err() != nil {
				t.Fatal(err, r.Err())
			}
			continue
		}
		if e.Seq != seen+1 {
			t.Fatalf("after %d comes %d", seen, e.Seq)
		}
		seen = e.Seq
	}
	for _, e := range events[:3] { // IDs and places that the dead process gave are good
		rest := stored(t, s, sessionID, replay.Position{LastEventID: e.ID, All: true})
		if rest[0].Seq != e.Seq+1 {
			t.Errorf("after %q comes %d", e.ID, rest[0].Seq)
		}
	}
}

func TestAWriterThatWasOnlyPausedIsToldThatItHasLostTheSession(t *testing.T) {
	addr := newServer(t).addr
	w := startProcess(t, "redis "+addr+" p")
	confirmed := w.await(t, 100)
	w.cmd.Process.Signal(syscall.SIGSTOP)
	s := newTiered(t, newRedis(t, addr, redis.Config{Prefix: "p"}), tiered.Config{Sync: true, Term: term})
	takeOver(t, s)
	w.cmd.Process.Signal(syscall.SIGCONT)
	if lost := testkit.Await(t, "the writer is told", w.lost); lost == "" {
		t.Error("the writer was not told")
	}
	for c := range w.confirmed { // it ends once all four have been told
		confirmed = append(confirmed, c)
	}
	add(t, s, sessionID, "still here")
	wantAll(t, stored(t, s, sessionID, replay.Position{}), confirmed)
}

func TestAStoreThatIsClosedLeavesItsSessionsToOthersAtOnce(t *testing.T) {
	addr := newServer(t).addr
	back := newRedis(t, addr, redis.Config{})
	a := newTiered(t, back, tiered.Config{Term: time.Hour})
	create(t, a, "s")
	for i := range 1000 {
		add(t, a, "s", fmt.Sprint(i))
	}
	place := stored(t, a, "s", replay.Position{})[499]
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Append(t.Context(), "s", ring.Event{}); !errors.Is(err, shard.ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	b := newTiered(t, back, tiered.Config{})
	add(t, b, "s", "1000")
	rest := stored(t, b, "s", replay.Position{LastEventID: place.ID, All: true})
	if len(rest) != 501 || string(rest[0].Data) != "500" || string(rest[500].Data) != "1000" {
		t.Errorf("%d events from %q to %q", len(rest), rest[0].Data, rest[len(rest)-1].Data)
	}
}

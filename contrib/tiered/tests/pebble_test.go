package tests

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// newPebble opens a directory, or makes it.
func newPebble(t testing.TB, dir string, cfg pebble.Config) *pebble.Store {
	t.Helper()
	s, err := pebble.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A process that starts on a directory with sessions serves them from the first request: a reader
// comes first to one, an append to another, and a third has finished.
func TestAStoreThatIsOpenedAgainServesItsSessions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	open := func() (*pebble.Store, *tiered.Store) {
		back := newPebble(t, dir, pebble.Config{})
		return back, newTiered(t, back, tiered.Config{Sync: true, Term: time.Hour})
	}
	back, s := open()
	ids := []string{"read", "written", "finished"}
	var before []ring.Event
	for _, id := range ids {
		if _, err := s.CreateWith(t.Context(), shard.Options{
			ID: id, Metadata: shard.Metadata{Principal: "alice", Transport: "sse"}, TTL: 2 * time.Hour,
			Ring: ring.Config{MaxEvents: 8},
		}); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			add(t, s, id, fmt.Sprint(i))
		}
		if _, err := s.Append(t.Context(), id, ring.Event{ID: "own", Stream: "x", Type: "y"}); err != nil {
			t.Fatal(err)
		}
		before = append(before, stored(t, s, id, replay.Position{})...)
	}
	if err := s.Finish(t.Context(), "finished"); err != nil {
		t.Fatal(err)
	}
	back.Close() // the front is not closed before: as a crash, it leaves leases that would run for an hour
	_, s = open()
	var after []ring.Event
	for _, id := range ids {
		if id == "written" {
			if e := add(t, s, id, "more"); e.Seq != 12 {
				t.Errorf("the next event is %d", e.Seq)
			}
		}
		got := stored(t, s, id, replay.Position{})
		if id == "written" {
			got = append(before[8:9:9], got[:7]...) // the eighth has gone for the new one
		}
		after = append(after, got...)
		info, err := s.Info(t.Context(), id)
		if err != nil || info.Principal != "alice" || info.Transport != "sse" {
			t.Errorf("%s is %+v, %v", id, info, err)
		}
	}
	rest := stored(t, s, "read", replay.Position{LastEventID: before[5].ID, All: true})
	if len(rest) != 2 || rest[0].Seq != 10 {
		t.Errorf("after %q come %v", before[5].ID, rest)
	}
	for i, e := range before {
		if i < len(after) && (after[i].ID != e.ID || after[i].Seq != e.Seq || !after[i].Time.Equal(e.Time) ||
			after[i].Stream != e.Stream || after[i].Type != e.Type || string(after[i].Data) != string(e.Data)) {
			t.Errorf("event %d was %v and is %v", i, e, after[i])
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d events, there were %d", len(after), len(before))
	}
	if _, err := s.Append(t.Context(), "read", ring.Event{ID: "own"}); !errors.Is(err, ring.ErrDuplicateID) {
		t.Errorf("Append of an ID that is there: %v", err)
	}
	if _, err := s.Append(t.Context(), "finished", ring.Event{}); !errors.Is(err, shard.ErrFinished) {
		t.Errorf("Append to a session that has finished: %v", err)
	}
}

// Two Stores in front of one directory, as two parts of a program may have: one writes a session at
// a time, and the other takes it over once the first is closed.
func TestAPartThatIsClosedLeavesItsSessionsInTheDirectoryToAnother(t *testing.T) {
	back := newPebble(t, filepath.Join(t.TempDir(), "d"), pebble.Config{SyncEvery: time.Hour})
	a, b := newTiered(t, back, tiered.Config{}), newTiered(t, back, tiered.Config{})
	create(t, a, "s")
	for i := range 1000 {
		add(t, a, "s", fmt.Sprint(i))
	}
	if _, err := b.Append(t.Context(), "s", ring.Event{}); !errors.Is(err, tiered.ErrElsewhere) {
		t.Errorf("Append while the other one writes: %v", err)
	}
	testkit.Eventually(t, "all is behind", func() bool { return a.Lag("s") == 0 })
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if e := add(t, b, "s", "1000"); e.Seq != 1001 {
		t.Errorf("the next event is %d", e.Seq)
	}
	for i, e := range stored(t, b, "s", replay.Position{}) {
		if string(e.Data) != fmt.Sprint(i+1) { // 1000 are retained
			t.Fatalf("event %d is %q", e.Seq, e.Data)
		}
	}
}

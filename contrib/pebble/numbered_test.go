package pebble

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Events of a Writer under IDs of all forms, also such as look like those of a log in front and are
// not: the newest retained event with an ID is found by it, whatever was evicted, and after the
// directory was opened again.
func TestEventsOfAWriterAreFoundByTheirIDs(t *testing.T) {
	const retained = 8
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		cfg := Config{fs: vfs.NewMem(), Ring: ring.Config{MaxEvents: retained}}
		s := openStore(t, "d", cfg)
		w, err := s.CreateHeld(bg, shard.Options{ID: "s"}, holder("a"))
		if err != nil {
			t.Fatal(err)
		}
		var all []ring.Event
		ids := map[string]uint64{} // the newest event with it
		for round := range 60 {
			var batch []ring.Event
			for range 1 + r.IntN(3) {
				seq := uint64(len(all) + 1)
				id := fmt.Sprintf("log%d-%d", seq/20, seq) // a log in front after the other, more than maxNames
				switch r.IntN(8) {
				case 0:
					id = fmt.Sprint("own", r.IntN(10))
				case 1: // of an event to come, or one that was
					id = fmt.Sprintf("log%d-%d", seq/20, max(1, int(seq)+r.IntN(10)-5))
				case 2:
					id = fmt.Sprintf("log%d-0%d", seq/20, seq)
				case 3:
					id = fmt.Sprintf("log%d-%d", r.IntN(20), seq)
				}
				e := ring.Event{Seq: seq, ID: id, Time: time.Unix(int64(seq), 0), Data: []byte(id)}
				all, batch, ids[id] = append(all, e), append(batch, e), seq
			}
			if err := w.Append(bg, batch); err != nil {
				t.Fatalf("seed %d: Append of %v: %v", seed, batch, err)
			}
			if round%20 == 19 {
				s.Close()
				s = openStore(t, "d", cfg)
				if w, err = s.Acquire(bg, "s", holder("a")); err != nil {
					t.Fatal(err)
				}
			}
			oldest := uint64(max(1, len(all)-retained+1))
			for i, e := range readAll(t, s, "s") {
				if want := all[oldest-1+uint64(i)]; e.Seq != want.Seq || e.ID != want.ID {
					t.Fatalf("seed %d: event %d has ID %q, want %d %q", seed, e.Seq, e.ID, want.Seq, want.ID)
				}
			}
			for id, seq := range ids {
				r, err := s.Open(bg, "s", replay.Position{LastEventID: id, All: true})
				if seq < oldest {
					if !errors.Is(err, ring.ErrUnknownID) && !errors.Is(err, ring.ErrEvicted) {
						t.Fatalf("seed %d: Open after %q, evicted event %d: %v", seed, id, seq, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("seed %d: Open after %q, event %d: %v", seed, id, seq, err)
				}
				rest, err := replay.Drain(r)
				r.Close()
				if err != nil || len(rest) != len(all)-int(seq) {
					t.Fatalf("seed %d: after %q, event %d of %d, come %d, %v", seed, id, seq, len(all), len(rest), err)
				}
			}
		}
		s.Close()
	}
}

// Two events of one call have one ID: the newer one is found when the older one is evicted.
func TestEventsOfOneCallMayHaveOneID(t *testing.T) {
	s := openStore(t, "d", Config{fs: vfs.NewMem(), Ring: ring.Config{MaxEvents: 3}})
	w, err := s.CreateHeld(bg, shard.Options{ID: "s"}, holder("a"))
	if err != nil {
		t.Fatal(err)
	}
	batch := leased(1, 3, "x")
	batch[0].ID, batch[2].ID = "own", "own"
	if err := w.Append(bg, batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(bg, leased(4, 4, "x")); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(bg, "s", replay.Position{LastEventID: "own", All: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if rest, err := replay.Drain(r); err != nil || len(rest) != 1 || rest[0].Seq != 4 {
		t.Errorf("after the newer event come %+v, %v", rest, err)
	}
}

// What a log in front has numbered takes one key an event, and goes with it.
func TestNumberedEventsAreInNoIndex(t *testing.T) {
	s := openStore(t, "d", Config{fs: vfs.NewMem(), Ring: ring.Config{MaxEvents: 4}})
	w, err := s.CreateHeld(bg, shard.Options{ID: "s"}, holder("a"))
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq < 1000; seq += 3 {
		if err := w.Append(bg, leased(seq, seq+2, "x")); err != nil {
			t.Fatal(err)
		}
	}
	keys := map[byte]int{}
	for _, prefix := range []byte{prefixEvent, prefixIndex} {
		if err := s.each(prefix, func([]byte, []byte) error { keys[prefix]++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n := keys[prefixEvent]; n < 4 || n >= 4+fewEvicted || keys[prefixIndex] != 0 {
		t.Errorf("%d events and %d entries in the index, want 4 to %d and 0", n, keys[prefixIndex], 3+fewEvicted)
	}
	_, err = s.Open(bg, "s", replay.Position{LastEventID: "front-2"})
	wantErr(t, "Open after an evicted event", err, ring.ErrEvicted)
	_, err = s.Append(bg, "s", ring.Event{ID: "front-998"})
	wantErr(t, "Append of a numbered ID while the lease runs", err, replay.ErrHeld)
	if err := w.Release(bg); err != nil {
		t.Fatal(err)
	}
	e, err := s.Append(bg, "s", ring.Event{ID: "front-998"})
	wantErr(t, "Append of a numbered ID", err, ring.ErrDuplicateID)
	if e.Seq != 998 {
		t.Errorf("the event with that ID is %d, want 998", e.Seq)
	}
}

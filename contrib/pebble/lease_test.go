package pebble

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func leased(first, last uint64, data string) (es []ring.Event) {
	for seq := first; seq <= last; seq++ {
		es = append(es, ring.Event{Seq: seq, ID: fmt.Sprint("front-", seq), Time: time.Unix(int64(seq), 0),
			Data: []byte(data)})
	}
	return es
}

func holder(name string) replay.Lease { return replay.Lease{Holder: name, Term: time.Second} }

func TestWriterIsTheOnlyOneAndIsFencedOnceAnotherHasTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, "d", Config{fs: vfs.NewMem()})
		a, err := s.CreateHeld(bg, shard.Options{ID: "s", Ring: ring.Config{MaxEvents: 3},
			Metadata: shard.Metadata{Principal: "me"}},
			replay.Lease{Holder: "a", Term: time.Second, Note: "tag"})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Append(bg, leased(1, 2, "a")); err != nil {
			t.Fatal(err)
		}
		_, err = s.Append(bg, "s", ring.Event{})
		wantErr(t, "plain Append", err, replay.ErrHeld)
		wantErr(t, "plain Update", s.Update(bg, "s", func(*shard.Metadata) {}), replay.ErrHeld)
		wantErr(t, "plain Finish", s.Finish(bg, "s"), replay.ErrHeld)
		_, err = s.Acquire(bg, "s", holder("b"))
		if h := (*replay.HeldError)(nil); !errors.As(err, &h) || h.Holder != "a" || h.Left != time.Second {
			t.Fatalf("Acquire: error %v, want one that names a and a second", err)
		}
		time.Sleep(999 * time.Millisecond)
		if err := a.Renew(bg); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		// the lease has run out, and nobody has taken the session
		if err := a.Append(bg, leased(3, 3, "a")); err != nil {
			t.Fatal(err)
		}
		b, err := s.Acquire(bg, "s", holder("b"))
		if err != nil {
			t.Fatal(err)
		}
		if h := b.Held(); h.Token <= a.Held().Token || h.Note != "tag" || h.First != 1 || h.Last != 3 ||
			h.Incarnation != a.Held().Incarnation ||
			h.Options.ID != "s" || h.Options.Principal != "me" || h.Options.TTL != 0 ||
			h.Options.Ring != (ring.Config{MaxEvents: 3}) {
			t.Errorf("b holds %+v", h)
		}
		for what, err := range map[string]error{
			"Append": a.Append(bg, leased(4, 4, "a")), "Renew": a.Renew(bg), "Finish": a.Finish(bg),
			"Terminate": a.Terminate(bg),
			"Restart":   a.Restart(bg, 9), "Release": a.Release(bg), "Update": a.Update(bg, nil),
		} {
			wantErr(t, what+" of one that was taken over", err, replay.ErrFenced)
		}
		err = b.Append(bg, leased(6, 6, "b"))
		if m := (*replay.MissingError)(nil); !errors.As(err, &m) || m.Last != 3 || m.Next != 6 {
			t.Errorf("Append with a gap: %v", err)
		}
		if err := b.Append(bg, leased(2, 5, "b")); err != nil {
			t.Fatal(err)
		}
		events := readAll(t, s, "s")
		if len(events) != 3 || events[0].Seq != 3 || string(events[0].Data) != "a" || events[2].ID != "front-5" ||
			!events[2].Time.Equal(time.Unix(5, 0)) {
			t.Errorf("stored: %v", events)
		}
		time.Sleep(time.Second)
		if e := mustAppend(t, s, "s", ring.Event{}); e.Seq != 6 {
			t.Errorf("a plain event after the lease is %d", e.Seq)
		}
		wantErr(t, "Append after a plain one", b.Append(bg, leased(7, 7, "b")), replay.ErrFenced)
	})
}

func TestWriterKeepsToItsIncarnation(t *testing.T) {
	s := openStore(t, "d", Config{fs: vfs.NewMem(), Linger: -1})
	a, err := s.CreateHeld(bg, shard.Options{ID: "s"}, holder("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Terminate(bg, "s"); err != nil {
		t.Fatal(err)
	}
	create(t, s, shard.Options{ID: "s"})
	wantErr(t, "Append", a.Append(bg, leased(1, 1, "old")), shard.ErrNotFound)
	wantErr(t, "Terminate", a.Terminate(bg), shard.ErrNotFound)
	if n := len(readAll(t, s, "s")); n != 0 {
		t.Errorf("the new session has %d events", n)
	}
}

func TestWriterDecidesOnDuplicatesAndRestarts(t *testing.T) {
	s := openStore(t, "d", Config{fs: vfs.NewMem(), Ring: ring.Config{MaxEvents: 4}})
	a, err := s.CreateHeld(bg, shard.Options{ID: "s"}, holder("a"))
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(20) {
		e := leased(seq+1, seq+1, "x")
		e[0].ID = []string{"one", "two"}[seq%2]
		if err := a.Append(bg, e); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(bg, "s", replay.Position{LastEventID: e[0].ID})
		if err != nil {
			t.Fatalf("after event %d: %v", seq+1, err)
		}
		if rest, err := replay.Drain(r); err != nil || len(rest) != 0 {
			t.Errorf("after event %d come %d, error %v", seq+1, len(rest), err)
		}
		r.Close()
	}
	r, err := s.Open(bg, "s", replay.Position{LastEventID: "one", All: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := a.Restart(bg, 20); err == nil {
		t.Error("Restart at a sequence that is stored: no error")
	}
	if err := a.Restart(bg, 30); err != nil {
		t.Fatal(err)
	}
	if info, _ := s.Info(bg, "s"); info.Log != (ring.Stats{Last: 29, Evicted: 29}) {
		t.Errorf("%+v", info.Log)
	}
	if err := a.Append(bg, leased(30, 31, "x")); err != nil {
		t.Fatal(err)
	}
	if events := readAll(t, s, "s"); len(events) != 2 || events[0].Seq != 30 {
		t.Errorf("%v", events)
	}
	_, err = replay.Drain(r)
	wantErr(t, "a reader from before", err, ring.ErrEvicted)
	if first, err := r.(interface{ SkipGap() (uint64, error) }).SkipGap(); first != 30 || err != nil {
		t.Errorf("SkipGap: %d, %v", first, err)
	}
}

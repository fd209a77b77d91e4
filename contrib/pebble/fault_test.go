package pebble

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

var bg = context.Background()

func create(t testing.TB, s *Store, o shard.Options) {
	t.Helper()
	if _, err := s.CreateWith(bg, o); err != nil {
		t.Fatal(err)
	}
}

func mustAppend(t testing.TB, s *Store, id string, e ring.Event) ring.Event {
	t.Helper()
	stored, err := s.Append(bg, id, e)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func wantErr(t testing.TB, what string, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("%s: error %v, want %v", what, err, w)
		}
	}
}

var wide = ring.Config{MaxEvents: 1 << 20, MaxBytes: 1 << 30}

// A machine fails at any moment, and the disk keeps what was synced and a random part of the rest:
// everything confirmed is there, also what a reader has seen.
func TestDiskThatKeepsOnlyWhatWasSynced(t *testing.T) {
	for _, kept := range []int{0, 50} {
		fs := vfs.NewCrashableMem()
		rnd := rand.New(rand.NewPCG(uint64(kept), 1))
		for round := range crashRounds(t, 10) {
			s, err := Open("d", Config{fs: fs, MinFree: -1})
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				create(t, s, shard.Options{ID: "s", Ring: wide})
			}
			before := len(readAll(t, s, "s"))
			w := confirmations{ids: map[string]uint64{}}
			var writing, following sync.WaitGroup
			ctx, cancel := context.WithCancel(bg)
			for range 4 {
				writing.Go(func() { w.write(s, 100) })
			}
			r, err := s.Open(bg, "s", replay.Position{Live: true})
			if err != nil {
				t.Fatal(err)
			}
			following.Go(func() {
				for e := range replay.All(ctx, r) {
					w.add(e)
				}
			})
			testkit.Eventually(t, "some are confirmed", func() bool { return w.len() > 10+rnd.IntN(100) })
			confirmed := w.copy()
			crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept,
				RNG: rand.New(rand.NewPCG(uint64(round), 2))})
			writing.Wait()
			cancel()
			following.Wait()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			fs = crashed
			s, err = Open("d", Config{fs: fs, MinFree: -1})
			if err != nil {
				t.Fatal(err)
			}
			wantConfirmed(t, readAll(t, s, "s"), before, confirmed)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// confirmations are events that a call or a reader has returned.
type confirmations struct {
	mu  sync.Mutex
	ids map[string]uint64
}

func (c *confirmations) add(e ring.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.ID != "" {
		c.ids[e.ID] = e.Seq
	}
}

func (c *confirmations) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ids)
}

func (c *confirmations) copy() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.ids)
}

func (c *confirmations) write(s *Store, n int) (err error) {
	for range n {
		e, err := s.Append(bg, "s", ring.Event{Data: make([]byte, 200)})
		if err != nil {
			return err
		}
		c.add(e)
	}
	return nil
}

// wantConfirmed wants the events to be without a hole, no fewer than before, and all that were
// confirmed to be among them.
func wantConfirmed(t *testing.T, events []ring.Event, before int, confirmed map[string]uint64) {
	t.Helper()
	if len(events) < before {
		t.Fatalf("%d events, %d were there before", len(events), before)
	}
	found := map[string]uint64{}
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d at place %d", e.Seq, i+1)
		}
		found[e.ID] = e.Seq
	}
	for id, seq := range confirmed {
		if found[id] != seq {
			t.Errorf("event %q was confirmed as %d and is %d", id, seq, found[id])
		}
	}
}

// With SyncEvery a failing machine takes the newest events with it. Their IDs and those of places
// among them are refused, and are given to no other event.
func TestLostTailGivesNoIDTwice(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s, err := Open("d", Config{fs: fs, MinFree: -1, SyncEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, shard.Options{ID: "s"})
	first := mustAppend(t, s, "s", ring.Event{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open("d", Config{fs: fs, MinFree: -1, SyncEvery: time.Hour}); err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{first.ID: true}
	var places, lost []string
	r, err := s.Open(bg, "s", replay.Position{})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		e := mustAppend(t, s, "s", ring.Event{})
		given[e.ID], lost = true, append(lost, e.ID)
		replay.Drain(r)
		places = append(places, r.(replay.Positioner).PositionID())
	}
	r.Close()
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, "d", Config{fs: crashed, MinFree: -1})
	if n := len(readAll(t, s, "s")); n != 1 {
		t.Fatalf("%d events are left, want the one that was synced", n)
	}
	for range 20 {
		if e := mustAppend(t, s, "s", ring.Event{}); given[e.ID] {
			t.Fatalf("ID %q was given twice", e.ID)
		}
		for _, id := range append(lost, places...) {
			if r, err := s.Open(bg, "s", replay.Position{LastEventID: id}); !errors.Is(err, ring.ErrUnknownID) {
				t.Fatalf("Open after %q, which was lost: %v, error %v", id, r, err)
			}
		}
	}
	r, err = s.Open(bg, "s", replay.Position{LastEventID: first.ID})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

// A write or a sync of a log or table fails: whatever kind it is, no call hangs, none is confirmed
// afterwards, reads go on, and a new process finds everything that was confirmed.
func TestWriteThatFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		kinds []errorfs.OpKind
		file  string
		cause error
		full  bool
	}{
		{"sync of the log", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo,
			errorfs.OpFileFlush}, ".log", syscall.EIO, false},
		{"write of the log", []errorfs.OpKind{errorfs.OpFileWrite}, ".log", syscall.EIO, false},
		{"write of the log, disk full", []errorfs.OpKind{errorfs.OpFileWrite}, ".log", syscall.ENOSPC, true},
		{"creation of a log", []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}, ".log", syscall.ENOSPC,
			true},
		{"write of a table", []errorfs.OpKind{errorfs.OpFileWrite}, ".sst", syscall.ENOSPC, true},
		{"sync of a table", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData}, ".sst", syscall.EIO, false},
		{"write of the manifest", []errorfs.OpKind{errorfs.OpFileWrite}, "MANIFEST", syscall.EIO, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if inAnotherProcess(t) {
				return
			}
			mem := vfs.NewCrashableMem()
			var armed atomic.Bool
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if armed.Load() && slices.Contains(c.kinds, op.Kind) && strings.Contains(op.Path, c.file) {
					return &os.PathError{Op: "test", Path: op.Path, Err: c.cause}
				}
				return nil
			}))
			s, err := Open("d", Config{fs: fs, MinFree: -1})
			if err != nil {
				t.Fatal(err)
			}
			create(t, s, shard.Options{ID: "s", Ring: wide})
			w := confirmations{ids: map[string]uint64{}}
			if err := w.write(s, 10); err != nil {
				t.Fatal(err)
			}
			armed.Store(true)
			var writing sync.WaitGroup
			for range 8 {
				writing.Go(func() {
					for {
						e, err := s.Append(bg, "s", ring.Event{Data: make([]byte, 100_000)})
						if err != nil {
							wantErr(t, "Append", err, ErrFailed, c.cause)
							if c.full {
								wantErr(t, "Append", err, ErrDiskFull)
							}
							return
						}
						w.add(e)
					}
				})
			}
			writing.Wait()
			_, err = s.Append(bg, "s", ring.Event{})
			wantErr(t, "Append later", err, ErrFailed)
			_, err = s.Create(bg, "", shard.Metadata{})
			wantErr(t, "Create", err, ErrFailed)
			wantErr(t, "Terminate", s.Terminate(bg, "s"), ErrFailed)
			wantConfirmed(t, readAll(t, s, "s"), 0, w.copy())
			crashed := mem.CrashClone(vfs.CrashCloneCfg{})
			wantErr(t, "Close", s.Close(), ErrFailed)
			again := openStore(t, "d", Config{fs: crashed, MinFree: -1})
			wantConfirmed(t, readAll(t, again, "s"), 0, w.copy())
			mustAppend(t, again, "s", ring.Event{})
		})
	}
}

// Whatever fails of a log while the directory is opened: Open comes back, and says what it was.
func TestLogThatFailsWhileOpening(t *testing.T) {
	if inAnotherProcess(t) {
		return
	}
	for _, kinds := range [][]errorfs.OpKind{
		{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo},
		{errorfs.OpFileWrite}, {errorfs.OpCreate, errorfs.OpReuseForWrite}, {errorfs.OpFileClose},
		{errorfs.OpOpen}, {errorfs.OpFileRead, errorfs.OpFileReadAt}, {errorfs.OpFileStat},
	} {
		for nth := 0; ; nth++ {
			on := vfs.NewCrashableMem()
			before := openStore(t, "d", Config{fs: on, MinFree: -1})
			create(t, before, shard.Options{ID: "s"})
			mustAppend(t, before, "s", ring.Event{})
			var seen atomic.Int64
			inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
				if !isLog(op.Path) || !slices.Contains(kinds, op.Kind) || seen.Add(1) != int64(nth)+1 {
					return nil
				}
				return syscall.EIO
			})
			faulty := errorfs.Wrap(on.CrashClone(vfs.CrashCloneCfg{}), inject)
			opened := make(chan error, 1)
			go func() {
				s, err := Open("d", Config{fs: faulty, MinFree: -1})
				if err == nil {
					err = s.Close()
				}
				opened <- err
			}()
			select {
			case err := <-opened:
				if err != nil && (!errors.Is(err, syscall.EIO) || errors.Is(err, ErrCorrupt)) {
					t.Errorf("%v, number %d: error %v", kinds, nth, err)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%v, number %d: Open does not come back", kinds, nth)
			}
			if seen.Load() <= int64(nth) {
				break
			}
		}
	}
}

package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
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

// A disk that has become nearly full refuses events, and takes them again when there is room.
// Sessions can be read and ended meanwhile.
func TestDiskThatIsNearlyFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatalf("this test mounts a small disk, for which it must be root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := openStore(t, filepath.Join(dir, "d"), Config{MinFree: 16 << 20})
	create(t, s, shard.Options{ID: "s", Ring: wide})
	create(t, s, shard.Options{ID: "other"})
	n := 0
	var err error
	for ; err == nil && n < 10_000; n++ {
		_, err = s.Append(bg, "s", ring.Event{Data: bytes.Repeat([]byte{byte(n), byte(n >> 8), 7, byte(n * 31)},
			16_000)})
	}
	wantErr(t, "Append", err, ErrDiskFull)
	if errors.Is(err, ErrFailed) {
		t.Fatalf("the disk was full before MinFree was noticed: %v", err)
	}
	_, err = s.Create(bg, "third", shard.Metadata{})
	wantErr(t, "Create", err, ErrDiskFull)
	_, err = s.Append(bg, "unknown", ring.Event{})
	wantErr(t, "Append to an unknown session", err, shard.ErrNotFound)
	if got := len(readAll(t, s, "s")); got != n-1 {
		t.Errorf("%d events, want %d", got, n-1)
	}
	if err := s.Terminate(bg, "s"); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Compact(bg, []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "there is room again", func() bool {
		_, err := s.Append(bg, "other", ring.Event{})
		return err == nil
	})
}

// A disk that is full all the same, in the middle of whatever is written: nothing confirmed is
// lost.
func TestDiskThatIsFull(t *testing.T) {
	if inAnotherProcess(t) {
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Fatalf("this test mounts a small disk, for which it must be root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s, err := Open(filepath.Join(dir, "d"), Config{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, shard.Options{ID: "s", Ring: wide})
	n := 0
	for ; err == nil; n++ {
		_, err = s.Append(bg, "s", ring.Event{Data: make([]byte, 50_000)})
	}
	wantErr(t, "Append", err, ErrFailed, ErrDiskFull, syscall.ENOSPC)
	if got := len(readAll(t, s, "s")); got != n-1 {
		t.Errorf("%d events can be read, %d were confirmed", got, n-1)
	}
	s.Close()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=200m"); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "d")
	if s.commits.wedged.Load() {
		t.Log("the directory is locked until the process ends; a copy is opened")
		if err := os.CopyFS(filepath.Join(dir, "copy"), os.DirFS(kept)); err != nil {
			t.Fatal(err)
		}
		kept = filepath.Join(dir, "copy")
	}
	s = openStore(t, kept, Config{MinFree: -1})
	if got := len(readAll(t, s, "s")); got < n-1 {
		t.Errorf("%d events, %d were confirmed", got, n-1)
	}
	mustAppend(t, s, "s", ring.Event{})
}

// inAnotherProcess runs the test in a process of its own, and reports whether it has: what is left
// of an engine that is stuck ends with that.
func inAnotherProcess(t *testing.T) bool {
	if os.Getenv("REPRISE_ALONE") != "" {
		return false
	}
	parts := strings.Split(t.Name(), "/")
	command := exec.Command(os.Args[0], "-test.v", "-test.run", "^"+strings.Join(parts, "$/^")+"$")
	command.Env = append(os.Environ(), "REPRISE_ALONE=1")
	endWithUs(command)
	out, err := command.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v: %s", err, out)
	}
	return true
}

// fill makes a directory as a crash leaves it, with n events of session "s" in the log, and returns
// it.
func fill(t *testing.T, n int, flushed bool) string {
	t.Helper()
	dir := t.TempDir()
	live := filepath.Join(dir, "live")
	s := openStore(t, live, Config{MinFree: -1})
	create(t, s, shard.Options{ID: "s", Ring: wide})
	for i := range n {
		mustAppend(t, s, "s", ring.Event{Data: bytes.Repeat([]byte(fmt.Sprintf("%08d", i)), 32)})
	}
	if flushed {
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	crashed := filepath.Join(dir, "crashed")
	if err := os.CopyFS(crashed, os.DirFS(live)); err != nil {
		t.Fatal(err)
	}
	return crashed
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return names
}

// Whatever comes after the last confirmed write is cut off anywhere or is nonsense: it is dropped.
func TestTornTail(t *testing.T) {
	for _, cut := range []int{1, 7, 100, 300, 5000} {
		dir := fill(t, 100, false)
		logs := glob(t, dir, "*.log")
		log := logs[len(logs)-1]
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if b = bytes.TrimRight(b, "\x00"); len(b) < 20_000 {
			t.Fatalf("%s has %d bytes", log, len(b))
		}
		if err := os.WriteFile(log, b[:len(b)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Config{MinFree: -1})
		if err != nil {
			t.Fatalf("%d bytes cut off: %v", cut, err)
		}
		events := readAll(t, s, "s")
		if len(events) >= 100 || len(events) < 100-1-cut/250 {
			t.Errorf("%d bytes cut off: %d events of 100 are left", cut, len(events))
		}
		mustAppend(t, s, "s", ring.Event{})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A flipped bit anywhere in a log that was synced beyond it, in a table or in the manifest: an
// error, never other events than those that were confirmed and never fewer without a word.
func TestFlippedBit(t *testing.T) {
	for _, c := range []struct {
		pattern string
		flushed bool
	}{{"*.log", false}, {"*.sst", true}, {"MANIFEST-*", true}} {
		clean := fill(t, 300, c.flushed)
		names := glob(t, clean, c.pattern)
		rnd := rand.New(rand.NewPCG(1, 1))
		refused, survived := 0, 0
		for range 25 {
			dir := filepath.Join(t.TempDir(), "d")
			if err := os.CopyFS(dir, os.DirFS(clean)); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(dir, filepath.Base(names[len(names)-1]))
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			size := len(bytes.TrimRight(b, "\x00"))
			at := rnd.IntN(size * 9 / 10) // the last write cannot be told from one that was torn
			b[at] ^= 1 << rnd.IntN(8)
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := readWhole(dir); err != nil {
				wantErr(t, fmt.Sprintf("byte %d of %s", at, filepath.Base(name)), err, ErrCorrupt)
				refused++
			} else {
				survived++
			}
		}
		t.Logf("%s: %d refused, %d without consequence", c.pattern, refused, survived)
	}
}

// readWhole opens a directory and returns an error unless there are the 300 events of fill.
func readWhole(dir string) error {
	s, err := Open(dir, Config{MinFree: -1})
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := s.Open(bg, "s", replay.Position{})
	if err != nil {
		return err
	}
	defer r.Close()
	events, err := replay.Drain(r)
	if err != nil {
		return err
	}
	for i, e := range events {
		if want := strings.Repeat(fmt.Sprintf("%08d", i), 32); string(e.Data) != want || e.Seq != uint64(i+1) {
			return fmt.Errorf("event %d is %q", e.Seq, e.Data)
		}
	}
	if len(events) != 300 {
		return fmt.Errorf("%d events and no error", len(events))
	}
	return nil
}

package pebble

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// dataOf returns what event i of fill carries.
func dataOf(i, size int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%08d", i), size/8) }

// fill makes a directory as a crash leaves it, with n events of session "s", each of so many bytes,
// in the log, and returns it.
func fill(t *testing.T, n, size int, flushed bool) string {
	t.Helper()
	dir := t.TempDir()
	live := filepath.Join(dir, "live")
	s := openStore(t, live, Config{MinFree: -1})
	create(t, s, shard.Options{ID: "s", Ring: wide})
	for i := range n {
		mustAppend(t, s, "s", ring.Event{Data: dataOf(i, size)})
	}
	if flushed {
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	crashed := filepath.Join(dir, "crashed")
	copyLive(t, live, crashed)
	return crashed
}

// copyLive copies a directory that is open. Nothing is written to it, but Pebble may still remove a
// file that it no longer needs.
func copyLive(t *testing.T, live, crashed string) {
	t.Helper()
	for range 10 {
		err := os.CopyFS(crashed, os.DirFS(live))
		if err == nil {
			return
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.RemoveAll(crashed); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("files of %s go away all the time", live)
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return names
}

func newestLog(t *testing.T, dir string) string {
	logs := glob(t, dir, "*.log")
	return logs[len(logs)-1]
}

// change changes what a file holds.
func change(t *testing.T, name string, how func([]byte)) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	how(b)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whatever comes after the last confirmed write is cut off anywhere or is nonsense: it is dropped.
func TestTornTail(t *testing.T) {
	for _, cut := range []int{1, 7, 100, 300, 5000} {
		dir := fill(t, 100, 256, false)
		log := newestLog(t, dir)
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

// A flipped bit anywhere in a log before the last write, in a table or in the manifest: an error,
// never other events than those that were confirmed and never fewer without a word. Large events
// fill whole blocks of a log. No case fills a memtable, so that nothing happens in the background.
func TestFlippedBit(t *testing.T) {
	mostly := func(b []byte) int { return len(b) * 9 / 10 }
	for _, c := range []struct {
		pattern  string
		n, bytes int // events
		flushed  bool
		sure     func(b []byte) int // how much there is before the last write, which may be a torn one
	}{
		{"*.log", 300, 256, false, func(b []byte) int { return bytes.Index(b, dataOf(299, 8)) - 100 }},
		{"*.log", 30, 5_000, false, func(b []byte) int { return bytes.Index(b, dataOf(29, 8)) - 100 }},
		{"*.log", 5, 40_000, false, func(b []byte) int { return bytes.Index(b, dataOf(4, 8)) - 100 }},
		{"*.sst", 300, 256, true, mostly},
		{"MANIFEST-*", 300, 256, true, mostly},
	} {
		clean := fill(t, c.n, c.bytes, c.flushed)
		rnd := rand.New(rand.NewPCG(1, 1))
		refused, survived := 0, 0
		for range 25 {
			dir := filepath.Join(t.TempDir(), "d")
			if err := os.CopyFS(dir, os.DirFS(clean)); err != nil {
				t.Fatal(err)
			}
			names, at := glob(t, dir, c.pattern), 0
			name := names[len(names)-1]
			change(t, name, func(b []byte) {
				at = rnd.IntN(c.sure(bytes.TrimRight(b, "\x00")))
				b[at] ^= 1 << rnd.IntN(8)
			})
			if err := readWhole(dir, c.n, c.bytes); err != nil {
				wantErr(t, fmt.Sprintf("byte %d of %s", at, filepath.Base(name)), err, ErrCorrupt)
				refused++
			} else {
				survived++
			}
		}
		if c.pattern == "*.log" && survived > 0 {
			t.Errorf("%d flipped bits of a log are without consequence", survived)
		}
		t.Logf("%s, %d events of %d bytes: %d refused, %d without consequence",
			c.pattern, c.n, c.bytes, refused, survived)
	}
}

// readWhole opens a directory and returns an error unless there are the n events of fill.
func readWhole(dir string, n, size int) error {
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
		if !bytes.Equal(e.Data, dataOf(i, size)) || e.Seq != uint64(i+1) {
			return fmt.Errorf("event %d is %.100q", e.Seq, e.Data)
		}
	}
	if len(events) != n {
		return fmt.Errorf("%d events and no error", len(events))
	}
	return nil
}

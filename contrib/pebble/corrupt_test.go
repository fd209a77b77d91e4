package pebble

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

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

// An event may hold what looks like a chunk of the log that it is in. After a torn end, it says
// nothing of what was synced; a chunk of the log itself does.
func TestTornTailWithWhatLooksLikeAChunk(t *testing.T) {
	const number, torn, at = 7, 100, 500
	chunk := func(synced uint64) []byte {
		b := make([]byte, logBlock)
		header := b[at:][:leastChunk]
		header[chunkType] = 9
		binary.LittleEndian.PutUint32(header[chunkLog:], number)
		binary.LittleEndian.PutUint64(header[chunkSync:], synced)
		sum := crc32.Checksum(header[chunkType:], crc32.MakeTable(crc32.Castagnoli))
		binary.LittleEndian.PutUint32(header, (sum>>15|sum<<17)+0xa282ead8)
		for i := range torn {
			b[i] = 0xff
		}
		return b
	}
	for synced, want := range map[uint64]bool{0: false, at: true, at + 1: false, 1 << 60: false} {
		b := chunk(synced)
		_, err := checkLog(bytes.NewReader(b), int64(len(b)), number)
		if (err != nil) != want {
			t.Errorf("a chunk at %d says that the log is synced to %d: error %v, want one: %v", at, synced, err, want)
		}
	}
}

// A flipped bit anywhere in a log before the last writes, in a table or in the manifest: an
// error, never other events than those that were confirmed and never fewer without a word.
func TestFlippedBit(t *testing.T) {
	for _, c := range []struct {
		pattern string
		flushed bool
		sure    func(size int) int // how much there is before the last writes, which may be torn ones
	}{
		{"*.log", false, func(size int) int { return size - 700 }},
		{"*.sst", true, func(size int) int { return size * 9 / 10 }},
		{"MANIFEST-*", true, func(size int) int { return size * 9 / 10 }},
	} {
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
			at := rnd.IntN(c.sure(size))
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

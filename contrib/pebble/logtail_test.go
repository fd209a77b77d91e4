package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// An event may hold what looks like a chunk of the log that it is in. After a torn end, it says
// nothing of what was synced: it would have to know the log's nonce.
func TestTornTailWithWhatLooksLikeAChunk(t *testing.T) {
	for _, knows := range []bool{false, true} {
		live, crashed := filepath.Join(t.TempDir(), "d"), filepath.Join(t.TempDir(), "d")
		s := openStore(t, live, Config{MinFree: -1})
		create(t, s, shard.Options{ID: "s", Ring: wide})
		mustAppend(t, s, "s", ring.Event{})
		m := mark{s.commits.nonce, s.commits.synced.Load() + 1}
		if !knows {
			m.nonce++
		}
		fake := chunkOf(numberOf(t, newestLog(t, live)), m)
		mustAppend(t, s, "s", ring.Event{Data: fake})
		if err := os.CopyFS(crashed, os.DirFS(live)); err != nil {
			t.Fatal(err)
		}
		change(t, newestLog(t, crashed), func(b []byte) { b[bytes.Index(b, fake)-1] ^= 1 })
		s, err := Open(crashed, Config{MinFree: -1})
		if knows {
			wantErr(t, "a torn end with a mark of the log behind it", err, ErrCorrupt)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if events := readAll(t, s, "s"); len(events) != 1 {
			t.Errorf("%d events, want the one that is not torn", len(events))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// chunkOf returns a chunk with a batch that has nothing but a mark.
func chunkOf(number int, m mark) []byte {
	batch := make([]byte, batchrepr.HeaderLen, markedLen)
	batch = m.append(append(batch, byte(engine.InternalKeyKindLogData), markLen))
	b := make([]byte, chunkHead, chunkHead+markedLen)
	binary.LittleEndian.PutUint16(b[4:], markedLen)
	b[chunkType] = wholeChunk
	binary.LittleEndian.PutUint32(b[chunkLog:], uint32(number))
	b = append(b, batch...)
	binary.LittleEndian.PutUint32(b, checksum(b[chunkType:]))
	return b
}

// numberOf returns the number of a log.
func numberOf(t *testing.T, name string) (number int) {
	t.Helper()
	if _, err := fmt.Sscanf(filepath.Base(name), "%d.log", &number); err != nil {
		t.Fatal(err)
	}
	return number
}

// checkLogs checks logs one after the other.
func checkLogs(t *testing.T, names ...string) error {
	t.Helper()
	var c logCheck
	for _, name := range names {
		f, err := vfs.Default.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		err = c.check(name, f)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Every bit of two batches of a log, and of how their chunks begin: some of them make of a chunk
// what Pebble takes for the end of the log.
func TestEveryBitOfABatchInALog(t *testing.T) {
	name := newestLog(t, fill(t, 20, 64, false))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	from, to := bytes.Index(b, dataOf(5, 8)), bytes.Index(b, dataOf(7, 8))
	file := filepath.Join(t.TempDir(), filepath.Base(name))
	for bit := from * 8; bit < to*8; bit++ {
		b[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkLogs(t, file); !errors.Is(err, ErrCorrupt) {
			t.Errorf("bit %d: error %v", bit-from*8, err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// What is missing at the end of a log that was followed by another one is found in that.
func TestEndOfAnEarlierLogIsMissing(t *testing.T) {
	const size = 60_000
	live, kept := filepath.Join(t.TempDir(), "d"), t.TempDir()
	s := openStore(t, live, Config{MinFree: -1})
	create(t, s, shard.Options{ID: "s", Ring: wide})
	var names []string // the logs with anything in them
	for i := range 32 {
		mustAppend(t, s, "s", ring.Event{Data: dataOf(i, size)})
		if i == 28 { // more than half a memtable: Pebble has another way for that
			if _, err := s.AppendAll(bg, "s", slices.Repeat([]ring.Event{{Data: dataOf(i, 1<<20)}}, 20)); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range glob(t, live, "*.log") { // before Pebble uses it again
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			name = filepath.Join(kept, filepath.Base(name))
			if err := os.WriteFile(name, bytes.TrimRight(b, "\x00"), 0o600); err != nil {
				t.Fatal(err)
			}
			if len(endsOf(t, name)) > 0 && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) < 4 {
		t.Fatalf("logs: %q", names)
	}
	if err := checkLogs(t, names...); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(names)-1; i++ {
		if err := checkLogs(t, slices.Delete(slices.Clone(names), i, i+1)...); !errors.Is(err, ErrCorrupt) {
			t.Errorf("log %d of %d is missing: error %v", i+1, len(names), err)
		}
	}
	ends := endsOf(t, names[0])
	if err := os.Truncate(names[0], ends[len(ends)-2]); err != nil {
		t.Fatal(err)
	}
	if err := checkLogs(t, names[:2]...); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the last batch of the first log is missing: error %v", err)
	}
	if err := checkLogs(t, names[0]); err != nil {
		t.Errorf("a log that ends between two batches: error %v", err)
	}
}

// endsOf returns where the batches of a log end.
func endsOf(t *testing.T, name string) (ends []int64) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := range headsOf(bytes.NewReader(b), uint64(numberOf(t, name))) {
		ends = append(ends, at)
	}
	return ends
}

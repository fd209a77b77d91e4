package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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
		m := mark{s.commits.nonce, s.commits.synced.Load() + 1000}
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
func checkLogs(t *testing.T, on vfs.FS, names ...string) error {
	t.Helper()
	var c logCheck
	for _, name := range names {
		f, err := on.Open(name)
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
		if err := checkLogs(t, vfs.Default, file); !errors.Is(err, ErrCorrupt) {
			t.Errorf("bit %d: error %v", bit-from*8, err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// What is missing at the end of a log that was followed by another one is found in that.
func TestEndOfAnEarlierLogIsMissing(t *testing.T) {
	fs := keptLogs{vfs.NewMem()}
	s := openStore(t, "d", Config{fs: fs})
	create(t, s, shard.Options{ID: "s", Ring: wide})
	for i := range 32 { // the first logs have 250 and 500 kB
		mustAppend(t, s, "s", ring.Event{Data: dataOf(i, 60_000)})
	}
	// More than half a memtable: Pebble has another way for that.
	if _, err := s.AppendAll(bg, "s", slices.Repeat([]ring.Event{{Data: dataOf(32, 1<<20)}}, 17)); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		mustAppend(t, s, "s", ring.Event{Data: dataOf(i, 8)})
	}
	names := fs.logs(t)
	if len(names) < 4 {
		t.Fatalf("logs with anything in them: %q", names)
	}
	if err := checkLogs(t, fs, names...); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(names)-1; i++ {
		if err := checkLogs(t, fs, slices.Delete(slices.Clone(names), i, i+1)...); !errors.Is(err, ErrCorrupt) {
			t.Errorf("log %d of %d is missing: error %v", i+1, len(names), err)
		}
	}
	ends := fs.ends(t, names[0])
	fs.cut(t, names[0], ends[len(ends)-2])
	if err := checkLogs(t, fs, names[:2]...); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the last batch of the first log is missing: error %v", err)
	}
	if err := checkLogs(t, fs, names[0]); err != nil {
		t.Errorf("a log that ends between two batches: error %v", err)
	}
}

// A keptLogs keeps the logs that Pebble removes or uses again.
type keptLogs struct{ vfs.FS }

func (fs keptLogs) Remove(name string) error {
	if isLog(name) {
		return nil
	}
	return fs.FS.Remove(name)
}

func (fs keptLogs) ReuseForWrite(_, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return fs.Create(to, c)
}

// logs returns the names of all logs of directory "d" with anything in them, in their order.
func (fs keptLogs) logs(t *testing.T) (names []string) {
	t.Helper()
	all, err := fs.List("d")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	for _, name := range all {
		if name = fs.PathJoin("d", name); isLog(name) && len(fs.ends(t, name)) > 0 {
			names = append(names, name)
		}
	}
	return names
}

func (fs keptLogs) read(t *testing.T, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ends returns where the batches of a log end.
func (fs keptLogs) ends(t *testing.T, name string) (ends []int64) {
	t.Helper()
	for at := range headsOf(bytes.NewReader(fs.read(t, name)), uint64(numberOf(t, name))) {
		ends = append(ends, at)
	}
	return ends
}

// cut cuts a file off.
func (fs keptLogs) cut(t *testing.T, name string, at int64) {
	t.Helper()
	b := fs.read(t, name)
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b[:at]); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

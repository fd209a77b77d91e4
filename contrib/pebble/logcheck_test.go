package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
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
// nothing of what was synced: it would have to know the directory's number.
func TestTornTailWithWhatLooksLikeAChunk(t *testing.T) {
	for _, knows := range []bool{false, true} {
		live, crashed := filepath.Join(t.TempDir(), "d"), filepath.Join(t.TempDir(), "d")
		s := openStore(t, live, Config{MinFree: -1})
		create(t, s, shard.Options{ID: "s", Ring: wide})
		mustAppend(t, s, "s", ring.Event{})
		c, directory := s.commits, s.commits.directory
		if !knows {
			directory++
		}
		fake := chunkOf(numberOf(t, newestLog(t, live)), mark{c.run, 1000, 1000}, directory)
		mustAppend(t, s, "s", ring.Event{Data: fake})
		copyLive(t, live, crashed)
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

// Logs are used again: what looks like chunks, and true marks of earlier logs, stand in them behind
// their end, and alone in one that has no batch yet.
func TestWhatAnEarlierLogLeft(t *testing.T) {
	for _, empty := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "d")
		s, err := Open(dir, Config{MinFree: -1})
		if err != nil {
			t.Fatal(err)
		}
		create(t, s, shard.Options{ID: "s", Ring: wide})
		var data []byte
		for n := range 60 {
			data = append(data, chunkOf(n, mark{99, 1000, 1000}, 5)...)
			data = append(data, chunkOf(n, mark{s.commits.run, 1000, 1000}, 6)...)
		}
		mustAppend(t, s, "s", ring.Event{Data: data})
		for range 6 {
			if err := s.db.Flush(); err != nil {
				t.Fatal(err)
			}
			if !empty {
				mustAppend(t, s, "s", ring.Event{Data: []byte("little")})
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadFile(newestLog(t, dir))
		if err != nil || !bytes.Contains(left, data[100:200]) {
			t.Errorf("nothing is left in the newest log: %v", err)
		}
		openStore(t, dir, Config{MinFree: -1})
	}
}

// An event of an earlier log has left what looks like a batch exactly where the log ends now: it is
// not read, by Pebble neither.
func TestForgedBatchBehindTheEnd(t *testing.T) {
	dir := fill(t, 20, 64, false)
	name := newestLog(t, dir)
	number := numberOf(t, name)
	forged := append(make([]byte, batchrepr.HeaderLen), byte(engine.InternalKeyKindSet), 7)
	binary.LittleEndian.PutUint64(forged, 1<<40)
	forged[8] = 1
	forged = append(append(append(forged, "mforged"...), 1), "x"...)
	change(t, name, func(b []byte) {
		ends := endsOf(t, b, number)
		copy(b[ends[len(ends)-1]:], chunkWith(number, forged))
	})
	s := openStore(t, dir, Config{MinFree: -1})
	if events := readAll(t, s, "s"); len(events) != 20 {
		t.Errorf("%d events, want 20", len(events))
	}
	if _, closer, err := s.db.Get([]byte("mforged")); err == nil {
		closer.Close()
		t.Error("the forged batch was read")
	}
}

// checkLogs checks logs of a directory with that number, one after the other.
func checkLogs(t *testing.T, directory uint64, on vfs.FS, names ...string) error {
	t.Helper()
	c := logCheck{directory: directory}
	for _, name := range names {
		f, err := on.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.check(name, on, f)
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
	dir := fill(t, 20, 64, false)
	directory, err := checkFormat(dir, vfs.Default)
	if err != nil {
		t.Fatal(err)
	}
	name := newestLog(t, dir)
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
		if err := checkLogs(t, directory, vfs.Default, file); !errors.Is(err, ErrCorrupt) {
			t.Errorf("bit %d: error %v", bit-from*8, err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// The first batch of the only log cannot be read, and the next one says that it was synced.
func TestFirstBatchOfTheOnlyLog(t *testing.T) {
	live, crashed := filepath.Join(t.TempDir(), "d"), filepath.Join(t.TempDir(), "d")
	s := openStore(t, live, Config{MinFree: -1})
	create(t, s, shard.Options{ID: "s", Ring: wide})
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		mustAppend(t, s, "s", ring.Event{Data: dataOf(i, 64)})
	}
	copyLive(t, live, crashed)
	change(t, newestLog(t, crashed), func(b []byte) { b[bytes.Index(b, dataOf(0, 8))] ^= 1 })
	_, err := Open(crashed, Config{MinFree: -1})
	wantErr(t, "Open", err, ErrCorrupt)
}

// The only batch of a log has the next log's number by a flipped bit: so the log seems to be empty.
func TestOnlyBatchOfALog(t *testing.T) {
	const directory, run = 1, 2
	fs := vfs.NewMem()
	first := logOf(t, 6, batchOf(mark{run, 5, 4}, directory, 3*logBlock))
	writeLog(t, fs, "000009.log", logOf(t, 9, batchOf(mark{run, 6, 5}, directory, 0)))
	for _, flipped := range []bool{false, true} {
		if flipped {
			first[chunkLog] ^= 1
		}
		writeLog(t, fs, "000006.log", first)
		err := checkLogs(t, directory, fs, "000006.log", "000009.log")
		if errors.Is(err, ErrCorrupt) != flipped {
			t.Errorf("flipped: %v, error %v", flipped, err)
		}
	}
}

// A mark may begin in one block and end in the next, also right at its end. It counts if both are
// there, and what is left of it does not.
func TestMarkInTwoBlocks(t *testing.T) {
	const directory, run, number = 1, 2, 7
	for room := range chunkHead + markedLen + 5 { // in the first block, for the second batch
		log := logOf(t, number,
			batchOf(mark{run, 1, 0}, directory, logBlock-chunkHead-markedLen-room),
			batchOf(mark{run, 2, 1}, directory, 3*logBlock))
		check := func(how func([]byte)) error {
			fs, b := vfs.NewMem(), bytes.Clone(log)
			how(b)
			writeLog(t, fs, "000007.log", b)
			return checkLogs(t, directory, fs, "000007.log")
		}
		if err := check(func(b []byte) { b[chunkHead+markedLen+1] ^= 1 }); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes in the first block: the first batch was synced, and is altered: error %v", room, err)
		}
		if err := check(func(b []byte) { clear(b[logBlock : 2*logBlock]) }); err != nil {
			t.Errorf("%d bytes in the first block: the second batch is torn: error %v", room, err)
		}
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
	if err := checkLogs(t, s.commits.directory, fs, names...); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(names)-1; i++ {
		err := checkLogs(t, s.commits.directory, fs, slices.Delete(slices.Clone(names), i, i+1)...)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("log %d of %d is missing: error %v", i+1, len(names), err)
		}
	}
	for i, name := range names[:len(names)-1] { // the first batch of each gets the next log's number
		whole := fs.read(t, name)
		altered := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(altered[chunkLog:], uint32(numberOf(t, name)+1))
		writeLog(t, fs, name, altered)
		if err := checkLogs(t, s.commits.directory, fs, names[i:]...); !errors.Is(err, ErrCorrupt) {
			t.Errorf("log %d of %d seems to be empty: error %v", i+1, len(names), err)
		}
		writeLog(t, fs, name, whole)
	}
	ends := fs.ends(t, names[0])
	writeLog(t, fs, names[0], fs.read(t, names[0])[:ends[len(ends)-2]])
	if err := checkLogs(t, s.commits.directory, fs, names[:2]...); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the last batch of the first log is missing: error %v", err)
	}
	if err := checkLogs(t, s.commits.directory, fs, names[0]); err != nil {
		t.Errorf("a log that ends between two batches: error %v", err)
	}
}

// Whatever stands in a log: it is read without a panic, and an error is ErrCorrupt.
func FuzzLogCheck(f *testing.F) {
	const directory, number = 1, 7
	whole := chunkOf(number, mark{2, 1, 0}, directory)
	f.Add(whole)
	f.Add(append(bytes.Repeat([]byte{1}, 50), chunkOf(number, mark{2, 2, 1}, directory)...))
	f.Add(append(make([]byte, logBlock-len(whole)/2), whole...))
	f.Fuzz(func(t *testing.T, log []byte) {
		fs := vfs.NewMem()
		writeLog(t, fs, "000007.log", log)
		if err := checkLogs(t, directory, fs, "000007.log"); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
	})
}

package pebble

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	wal "github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// endsOf returns where the batches of a log end.
func endsOf(t *testing.T, log []byte, number int) (ends []int64) {
	t.Helper()
	if err := readLog(bytes.NewReader(log), uint64(number), func(at int64, _ []byte) error {
		ends = append(ends, at)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return ends
}

// chunkOf returns a chunk with a batch that has nothing but a mark.
func chunkOf(number int, m mark, directory uint64) []byte {
	return chunkWith(number, batchOf(m, directory, 0))
}

func chunkWith(number int, batch []byte) []byte {
	b := make([]byte, chunkHead, chunkHead+len(batch))
	binary.LittleEndian.PutUint16(b[chunkLength:], uint16(len(batch)))
	b[chunkType] = wholeChunk
	binary.LittleEndian.PutUint32(b[chunkLog:], uint32(number))
	b = append(b, batch...)
	binary.LittleEndian.PutUint32(b, chunk(b).checksum())
	return b
}

// batchOf returns a batch with a mark and some bytes more.
func batchOf(m mark, directory uint64, more int) []byte {
	b := append(make([]byte, batchrepr.HeaderLen), byte(engine.InternalKeyKindLogData), markLen)
	return append(m.append(b, directory), bytes.Repeat([]byte{'x'}, more)...)
}

// numberOf returns the number of a log.
func numberOf(t *testing.T, name string) (number int) {
	t.Helper()
	if _, err := fmt.Sscanf(filepath.Base(name), "%d.log", &number); err != nil {
		t.Fatal(err)
	}
	return number
}

// logOf returns a log with these batches.
func logOf(t *testing.T, number uint64, batches ...[]byte) []byte {
	t.Helper()
	var log bytes.Buffer
	w := writerOf(wal.NewLogWriter, &log, number)
	for _, b := range batches {
		if _, err := w.WriteRecord(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return log.Bytes()
}

// writerOf calls record.NewLogWriter, as readerOf does record.NewReader.
func writerOf[N ~uint64](
	newWriter func(io.Writer, N, wal.LogWriterConfig) *wal.LogWriter, w io.Writer, number uint64,
) *wal.LogWriter {
	return newWriter(w, N(number), wal.LogWriterConfig{WriteWALSyncOffsets: func() bool { return true }})
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
func (fs keptLogs) ends(t *testing.T, name string) []int64 {
	t.Helper()
	return endsOf(t, fs.read(t, name), numberOf(t, name))
}

func writeLog(t *testing.T, on vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := on.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bytes.Clone(b)); err != nil { // a MemFS may change what it is given
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

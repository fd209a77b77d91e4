package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	wal "github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A log that ends in the middle of something is one of a process that was killed: Pebble drops what
// cannot be read at its end, unless a later block of 32 KiB has a chunk that says that it was
// synced. checkLog finds such a chunk in the same block too, by having Pebble read whatever may be
// one as a block of its own.
//
// A chunk says how far the log was synced when it was written. So what cannot be told from a torn
// end is what the last syncs have written, after which no other chunk came. What looks like a chunk
// may be an event that somebody has published: one that claims more than there was before it is
// none.
const (
	logBlock   = 32 << 10
	chunkType  = 6  // where a chunk's header has its type: 9 to 12 has a sync offset
	chunkLog   = 7  // and the number of its log, in four bytes
	chunkSync  = 11 // and how far the log was synced, in eight
	leastChunk = 19 // bytes of a header
)

// checkLogs checks the newest log, which is the only one that may end in the middle.
func checkLogs(dir string, on vfs.FS) error {
	names, err := on.List(dir)
	if err != nil {
		return fmt.Errorf("pebble: %w", err)
	}
	newest, number := "", uint64(0)
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, ".log")
		if n, err := strconv.ParseUint(digits, 10, 64); ok && err == nil && n >= number {
			newest, number = name, n
		}
	}
	if newest == "" {
		return nil
	}
	path := on.PathJoin(dir, newest)
	f, err := on.Open(path)
	if err != nil {
		return fmt.Errorf("pebble: %w", err)
	}
	defer f.Close()
	size, err := f.Stat()
	if err != nil {
		return fmt.Errorf("pebble: %w", err)
	}
	at, err := checkLog(f, size.Size(), number)
	if err != nil {
		return fmt.Errorf("%w: %s after byte %d: %w", ErrCorrupt, path, at, err)
	}
	return nil
}

// checkLog returns an error if something in a log cannot be read that was synced, and where the
// last chunk before it ends.
func checkLog(f io.ReaderAt, size int64, number uint64) (at int64, err error) {
	at, err = readLog(io.NewSectionReader(f, 0, size), number)
	if !errors.Is(err, wal.ErrUnexpectedEOF) {
		return at, nil // it ends as it should, or Pebble finds what is wrong
	}
	end := at + -at&(logBlock-1) // of the block in which it cannot be read
	if end-at < leastChunk {
		end += logBlock
	}
	rest := make([]byte, min(end, size)-at)
	n, err := f.ReadAt(rest, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return at, fmt.Errorf("reading: %w", err)
	}
	chunks := &possibleChunks{rest: rest[:n], at: at, number: uint32(number)}
	whole := io.MultiReader(io.NewSectionReader(f, 0, size), bytes.NewReader(make([]byte, -size&(logBlock-1))), chunks)
	if _, err = readLog(whole, number); errors.Is(err, wal.ErrUnexpectedEOF) {
		return at, nil
	}
	return at, err
}

// readLog reads a log to its end, and returns where the last chunk ends that can be read, and why
// nothing comes after it.
func readLog(r io.Reader, number uint64) (end int64, err error) {
	records := readerOf(wal.NewReader, r, number)
	for {
		end = records.Offset()
		one, err := records.Next()
		read := int64(0)
		if err == nil {
			read, err = io.Copy(io.Discard, one)
		}
		if err != nil {
			return chunksEnd(end, read), err
		}
	}
}

// chunksEnd returns where the chunks end that have the first n bytes of a record, if the one before
// it ends at the place given.
func chunksEnd(at, n int64) int64 {
	for n > 0 {
		left := logBlock - at%logBlock
		if left <= leastChunk {
			at += left
			continue
		}
		part := min(n, left-leastChunk)
		at, n = at+leastChunk+part, n-part
	}
	return at
}

// readerOf calls record.NewReader, whose second parameter has a type that cannot be named.
func readerOf[N ~uint64](newReader func(io.Reader, N) *wal.Reader, r io.Reader, number uint64) *wal.Reader {
	return newReader(r, N(number))
}

// possibleChunks is a Reader of one block for each place in a part of a log that looks like the
// header of a chunk: what is from there to the end of its block.
type possibleChunks struct {
	rest   []byte
	at     int64 // of rest in the log
	number uint32
	block  []byte // what is left of the present one
}

func (c *possibleChunks) Read(p []byte) (int, error) {
	if len(c.block) == 0 && !c.next() {
		return 0, io.EOF
	}
	n := copy(p, c.block)
	c.block = c.block[n:]
	return n, nil
}

func (c *possibleChunks) next() bool {
	for len(c.rest) >= leastChunk {
		header := c.rest
		at, left := c.at, min(int64(len(header)), logBlock-c.at%logBlock)
		c.rest, c.at = c.rest[1:], c.at+1
		kind := header[chunkType]
		if kind < 9 || kind > 12 || binary.LittleEndian.Uint32(header[chunkLog:]) != c.number ||
			binary.LittleEndian.Uint64(header[chunkSync:]) > uint64(at) {
			continue
		}
		c.block = make([]byte, logBlock)
		copy(c.block, header[:left])
		return true
	}
	return false
}

package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	wal "github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A log that ends in the middle of something is one of a process that was killed: Pebble drops what
// cannot be read at its end, and also takes for an end what a flipped bit has made of a chunk's
// log number. A logCheck reads a log before Pebble does, and looks for batches behind such an end,
// in this log and in later ones, whose marks say that what is missing was synced: then it was not
// torn off but altered, and confirmed events with it.
//
// So what cannot be told from a torn end is what the last syncs have written, after which no other
// batch came.
type logCheck struct {
	directory uint64 // what only its marks know
	last      mark   // all batches of its run are there, from the first that was found to this one
	name      string // of the log in which that batch is
	end       int64  // where it ends in that log
	gap       bool   // what comes next in the run is missing, and stays so in later logs
}

// errNotOurs ends the reading of a log.
var errNotOurs = errors.New("pebble: a batch without a mark")

// check returns an error if something in the log is missing that was synced, or in one that was
// checked before. Logs are checked in their order. Otherwise it returns the log as Pebble may read
// it: up to a batch without a mark, if one follows on what was written. That is what an event of an
// earlier log has left in the file, made to look like a batch.
func (c *logCheck) check(name string, on vfs.FS, f vfs.File) (vfs.File, error) {
	number, err := strconv.ParseUint(strings.TrimSuffix(on.PathBase(name), ".log"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("pebble: the name of a log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("pebble: %w", err)
	}
	end, size := int64(0), info.Size()
	err = readLog(io.NewSectionReader(f, 0, size), number, func(at int64, batch []byte) error {
		m, ok := markOf(batch, c.directory)
		if !ok {
			return errNotOurs
		}
		end = at
		if m.run != c.last.run { // the first that is left of this run: earlier ones are in tables
			c.last, c.gap = mark{run: m.run, number: m.number - 1}, false
		}
		if c.gap = c.gap || m.number != c.last.number+1; c.gap {
			return c.missing(m)
		}
		c.last, c.name, c.end = m, name, at
		return nil
	})
	readable := f
	switch {
	case err == errNotOurs && end == 0: // the first batch is always of this log
		return nil, fmt.Errorf("%w: %s begins with a batch that has no mark", ErrCorrupt, name)
	case err == errNotOurs:
		readable = cutFile{f, io.NewSectionReader(f, 0, end)}
	case err != nil:
		return nil, err
	}
	return readable, searchLog(f, end, size, uint32(number), c.directory, func(at int64, m mark) error {
		if m.run != c.last.run { // this log cannot be read from its first batch on: that is what is missing
			c.last, c.name, c.end = mark{run: m.run, number: m.number - 1}, name, 0
			if at > 0 && m.number > 1 { // and so is the batch before this one
				c.last.number--
			}
		}
		c.gap = true
		return c.missing(m)
	})
}

// A cutFile is a file that ends early.
type cutFile struct {
	vfs.File
	rest *io.SectionReader
}

func (f cutFile) Read(b []byte) (int, error) { return f.rest.Read(b) }

// missing returns an error if a batch behind the gap says that what is missing first was synced.
func (c *logCheck) missing(m mark) error {
	if m.synced <= c.last.number {
		return nil
	}
	return fmt.Errorf("%w: %s after byte %d: what follows was synced and cannot be read", ErrCorrupt, c.name, c.end)
}

// readLog calls found for each batch of a log as far as Pebble reads it, with where it ends and its
// first bytes, at most as many as there are with a mark.
func readLog(r io.Reader, number uint64, found func(end int64, batch []byte) error) error {
	records, begin := readerOf(wal.NewReader, r, number), make([]byte, markedLen)
	for {
		record, err := records.Next()
		if err != nil {
			return notTheEnd(err)
		}
		n, err := io.ReadFull(record, begin)
		if err == nil {
			_, err = io.Copy(io.Discard, record)
		} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) { // a short one
			err = nil
		}
		if err != nil {
			return notTheEnd(err)
		}
		if err := found(records.Offset(), begin[:n]); err != nil {
			return err
		}
	}
}

// notTheEnd returns err unless it says that nothing more of a log can be read.
func notTheEnd(err error) error {
	for _, end := range []error{io.EOF, wal.ErrUnexpectedEOF, wal.ErrInvalidChunk, wal.ErrZeroedChunk} {
		if errors.Is(err, end) {
			return nil
		}
	}
	return fmt.Errorf("pebble: reading a log: %w", err)
}

// readerOf calls record.NewReader, whose second parameter has a type that cannot be named.
func readerOf[N ~uint64](newReader func(io.Reader, N) *wal.Reader, r io.Reader, number uint64) *wal.Reader {
	return newReader(r, N(number))
}

// A log is blocks of 32 KiB, and a batch is one chunk or several, of which none crosses the end of
// a block: a checksum of all but itself and the length (4 bytes), a length (2), a type, the number
// of the log (4), how far it was synced (8), and as many bytes of the batch as the length says.
const logBlock = 32 << 10

// Where they are in a chunk.
const (
	chunkLength = 4
	chunkType   = 6
	chunkLog    = 7
	chunkHead   = 19 // bytes before those of the batch
)

// Types. The first log of a directory has others, and no batch: load ends it by a flush.
const (
	wholeChunk  = 9 + iota // has all of its batch
	firstChunk             // has the first bytes
	middleChunk            // goes on where the block before ended
	lastChunk              // and has the last bytes
)

// searchLog calls found for marks after a place in a log, with where their batches begin. Nobody
// knows where chunks begin behind something that cannot be read: so they are searched for, also in
// events, and in what the file held before it was this log. The log's number and a checksum keep
// out the latter. Pebble ends a log with the next number, in a chunk without a batch: one with a
// batch has got it by a flipped bit.
func searchLog(f io.ReaderAt, at, size int64, number uint32, directory uint64, found func(int64, mark) error) error {
	log := binary.LittleEndian.AppendUint32(nil, number)
	block := make([]byte, logBlock)
	var begun []byte // what the block before has of a batch, if that is less than a mark; nil: nothing
	var from int64   // where that batch begins
	begins := false  // the place is behind us where the next chunk has to begin
	for ; at < size; at += int64(len(block)) {
		block = block[:min(logBlock-at%logBlock, size-at)]
		if n, err := f.ReadAt(block, at); n < len(block) {
			if errors.Is(err, io.EOF) { // which Pebble would take for the end of the log
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("pebble: reading a log: %w", err)
		}
		if !begins && len(block) >= chunkHead {
			begins = true
			if binary.LittleEndian.Uint32(block[chunkLog:]) == number+1 {
				copy(block[chunkLog:], log)
			}
		}
		if c, ok := chunkAt(block, log); begun != nil && ok && !c.begins() && c.intact() {
			if m, ok := markOf(append(begun, c.batch()...), directory); ok {
				if err := found(from, m); err != nil {
					return err
				}
			}
		}
		begun = nil
		for i := 0; i+chunkHead <= len(block); i++ {
			next := bytes.Index(block[i+chunkLog:], log)
			if next < 0 {
				break
			}
			i += next
			c, ok := chunkAt(block[i:], log)
			if !ok || !c.begins() {
				continue
			}
			if m, ok := markOf(c.batch(), directory); ok && c.intact() {
				if err := found(at+int64(i), m); err != nil {
					return err
				}
			}
			if i+len(c) == logBlock-int(at%logBlock) && len(c.batch()) < markedLen && c.intact() {
				begun, from = append([]byte{}, c.batch()...), at+int64(i)
			}
		}
	}
	return nil
}

// A chunk is one of those that a log is made of, with its head.
type chunk []byte

// chunkAt returns the chunk of a log with which b begins, if there can be one; log has the log's
// number.
func chunkAt(b, log []byte) (chunk, bool) {
	if len(b) < chunkHead || !bytes.Equal(b[chunkLog:chunkLog+4], log) {
		return nil, false
	}
	end := chunkHead + int(binary.LittleEndian.Uint16(b[chunkLength:]))
	if end > len(b) || b[chunkType] < wholeChunk || b[chunkType] > lastChunk {
		return nil, false
	}
	return b[:end], true
}

// begins reports whether a batch begins with c.
func (c chunk) begins() bool  { return c[chunkType] == wholeChunk || c[chunkType] == firstChunk }
func (c chunk) batch() []byte { return c[chunkHead:] }
func (c chunk) intact() bool  { return binary.LittleEndian.Uint32(c) == c.checksum() }

func (c chunk) checksum() uint32 {
	sum := crc32.Checksum(c[chunkType:], castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

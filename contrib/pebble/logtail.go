package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"path"
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
//
// Pebble numbers what it writes without a gap, in the order of the log, as long as nothing is
// ingested (commitPipeline.prepare in 2.1.7): so a number that is left out is missing.
type logCheck struct {
	last  batchHead // of the batches of one process that are there, from the first of them on
	where string    // it ends
	gap   bool      // something is missing behind it
}

// check returns an error if something in the log is missing that was synced, or in the one that was
// checked before. Logs are checked in their order.
func (c *logCheck) check(name string, f vfs.File) error {
	number, err := strconv.ParseUint(strings.TrimSuffix(path.Base(name), ".log"), 10, 64)
	if err != nil {
		return fmt.Errorf("pebble: the name of a log: %w", err)
	}
	size, err := f.Stat()
	if err != nil {
		return fmt.Errorf("pebble: %w", err)
	}
	nonce, end := uint64(0), int64(0)
	for at, h := range headsOf(io.NewSectionReader(f, 0, size.Size()), number) {
		if h.mark.nonce != c.last.mark.nonce {
			c.gap, c.last = false, batchHead{next: h.first, mark: h.mark}
		}
		if c.gap = c.gap || h.first != c.last.next; !c.gap {
			c.last, c.where = h, fmt.Sprintf("%s, byte %d", name, at)
		} else if err := c.missing(h); err != nil {
			return err
		}
		nonce, end = h.mark.nonce, at
	}
	for h, err := range headsAfter(f, end, size.Size(), uint32(number)) {
		switch {
		case err != nil:
			return fmt.Errorf("pebble: reading %s: %w", name, err)
		case nonce == 0 && h.mark.nonce != c.last.mark.nonce: // the log cannot be read from its beginning
			c.last, c.where = batchHead{next: h.first, mark: h.mark}, name
		case nonce != 0 && h.mark.nonce != nonce:
			continue
		}
		c.gap = true
		if err := c.missing(h); err != nil {
			return err
		}
	}
	return nil
}

// missing returns an error if a batch behind the gap says that what is missing was synced.
func (c *logCheck) missing(h batchHead) error {
	if h.mark.synced <= c.last.next {
		return nil
	}
	return fmt.Errorf("%w: after %s: what follows was synced and cannot be read", ErrCorrupt, c.where)
}

// headsOf goes over the heads of the batches of a log as far as Pebble reads it, and says where
// each batch ends.
func headsOf(r io.Reader, number uint64) iter.Seq2[int64, batchHead] {
	return func(yield func(int64, batchHead) bool) {
		records, head := readerOf(wal.NewReader, r, number), make([]byte, markedLen)
		for {
			one, err := records.Next()
			if err != nil {
				return
			}
			n, err := io.ReadFull(one, head)
			if err == nil {
				_, err = io.Copy(io.Discard, one)
			}
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // a shorter batch is not one of ours
				return
			}
			h, _ := headOf(head[:n])
			if !yield(records.Offset(), h) {
				return
			}
		}
	}
}

// readerOf calls record.NewReader, whose second parameter has a type that cannot be named.
func readerOf[N ~uint64](newReader func(io.Reader, N) *wal.Reader, r io.Reader, number uint64) *wal.Reader {
	return newReader(r, N(number))
}

// A log is blocks of 32 KiB, and a batch is one chunk or several, of which none crosses the end of
// a block: a checksum of what follows it (4 bytes), a length (2), a type, the number of the log
// (4), how far it was synced (8), and as many bytes of the batch as the length says.
const (
	logBlock   = 32 << 10
	chunkHead  = 19
	chunkType  = 6 // where it is
	chunkLog   = 7
	wholeChunk = 9 // types: a whole batch, and the first part of one
	firstChunk = 10
	lastChunk  = 12
)

// headsAfter goes over the heads of batches that can be read after a place in a log, wherever their
// chunks begin.
func headsAfter(f io.ReaderAt, at, size int64, number uint32) iter.Seq2[batchHead, error] {
	return func(yield func(batchHead, error) bool) {
		log := binary.LittleEndian.AppendUint32(nil, number)
		block, head := make([]byte, logBlock), []byte(nil)
		for ; at < size; at += int64(len(block)) {
			block = block[:min(logBlock-at%logBlock, size-at)]
			if _, err := f.ReadAt(block, at); err != nil {
				yield(batchHead{}, err)
				return
			}
			for rest := block; len(rest) >= chunkHead; {
				i := bytes.Index(rest[chunkLog:], log)
				if i < 0 {
					break
				}
				kind, payload, ok := chunkAt(rest[i:])
				if !ok {
					rest = rest[i+1:]
					continue
				}
				rest = rest[i+chunkHead+len(payload):]
				begins := kind == wholeChunk || kind == firstChunk
				if begins {
					head = head[:0]
				}
				if !begins && len(head) == 0 {
					continue
				}
				head = append(head, payload[:min(len(payload), markedLen)]...)
				if len(head) < markedLen {
					continue // the rest is in the next chunk
				}
				h, ok := headOf(head)
				head = head[:0]
				if ok && !yield(h, nil) {
					return
				}
			}
		}
	}
}

// chunkAt returns the type of the chunk with which b begins, and what it has of its batch.
func chunkAt(b []byte) (kind byte, payload []byte, ok bool) {
	if len(b) < chunkHead {
		return 0, nil, false
	}
	kind, end := b[chunkType], chunkHead+int(binary.LittleEndian.Uint16(b[4:]))
	if kind < wholeChunk || kind > lastChunk || end > len(b) ||
		binary.LittleEndian.Uint32(b) != checksum(b[chunkType:end]) {
		return 0, nil, false
	}
	return kind, b[chunkHead:end], true
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of a chunk.
func checksum(b []byte) uint32 {
	sum := crc32.Checksum(b, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

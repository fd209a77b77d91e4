package shard

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/reprise-go/reprise/ring"
)

// maxFrame is more than any frame has: one that is not yet full and then the largest event.
const maxFrame = ring.MaxMaxEventBytes + 2*frameTarget

// A frameReader reads the frames of a snapshot. A frame's bytes are read as they come and checked
// before anything is made of them, so memory for them is never more than twice what the input has.
type frameReader struct {
	r       *bufio.Reader
	at      int64  // offset of the frame
	next    int64  // offset of the next byte
	sum     uint64 // checksum of the frame
	kind    byte
	payload bytes.Buffer
	rest    []byte // of the payload, not yet taken
}

// newFrameReader reads the header.
func newFrameReader(r io.Reader) (*frameReader, error) {
	f := &frameReader{r: bufio.NewReaderSize(r, 1<<16)}
	var header [headerBytes]byte
	if err := f.full(header[:]); err != nil {
		return f, err
	}
	if string(header[:len(snapshotMagic)]) != snapshotMagic {
		return f, damaged("it begins with %q", header[:len(snapshotMagic)])
	}
	if v := binary.LittleEndian.Uint32(header[len(snapshotMagic):]); v != snapshotVersion {
		return f, damaged("its version is %d, want %d", v, snapshotVersion)
	}
	f.sum = xxh3.Hash(header[:])
	f.at = f.next
	return f, nil
}

// full reads exactly len(b) bytes.
func (f *frameReader) full(b []byte) error {
	n, err := io.ReadFull(f.r, b)
	f.next += int64(n)
	return truncated(err)
}

// truncated makes the end of the input an ErrSnapshot.
func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it is truncated")
	}
	return err
}

// ReadByte is for binary.ReadUvarint.
func (f *frameReader) ReadByte() (byte, error) {
	b, err := f.r.ReadByte()
	if err == nil {
		f.next++
	}
	return b, err
}

// frame reads the next frame and checks its sum.
func (f *frameReader) frame() error {
	f.at = f.next
	var head, sum [8]byte
	if err := f.full(head[:1]); err != nil {
		return err
	}
	f.kind = head[0]
	n, err := binary.ReadUvarint(f)
	canonical := binary.AppendUvarint(head[:1:1], n)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return truncated(err)
	case err != nil || n > maxFrame || f.next-f.at != int64(len(canonical)):
		return damaged("a frame of %d bytes, want a canonical number up to %d", n, maxFrame)
	}
	f.payload.Reset()
	copied, err := io.CopyN(&f.payload, f.r, int64(n))
	f.next += copied
	if err == nil {
		err = f.full(sum[:])
	}
	if err != nil {
		return truncated(err)
	}
	f.rest = f.payload.Bytes()
	f.sum = frameSum(f.sum, canonical, f.rest)
	if f.sum != binary.LittleEndian.Uint64(sum[:]) {
		return damaged("a checksum is wrong: it was changed here, or what comes before is missing")
	}
	return nil
}

// empty reports whether all values of the frame were taken.
func (f *frameReader) empty() bool { return len(f.rest) == 0 }

func (f *frameReader) uvarint() (uint64, error) {
	n, size := binary.Uvarint(f.rest)
	if size <= 0 {
		return 0, damaged("a number is cut off or too large")
	}
	f.rest = f.rest[size:]
	return n, nil
}

func (f *frameReader) fixed() (uint64, error) {
	if len(f.rest) < 8 {
		return 0, damaged("a number is cut off")
	}
	n := binary.LittleEndian.Uint64(f.rest)
	f.rest = f.rest[8:]
	return n, nil
}

// bytes returns a view of the frame, valid until the next one is read.
func (f *frameReader) bytes() ([]byte, error) {
	n, err := f.uvarint()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(f.rest)) {
		return nil, damaged("a text is cut off: %d bytes of %d are there", len(f.rest), n)
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b, nil
}

func (f *frameReader) text() (string, error) {
	b, err := f.bytes()
	return string(b), err
}

package shard

import (
	"encoding/binary"
	"io"
	"strconv"

	"github.com/zeebo/xxh3"
)

// frameTarget is how many bytes a frame of events or claims has, at least, before another is begun.
const frameTarget = 1 << 16

// A frameWriter writes the frames of a snapshot, whose format snapshot.go describes. Values are
// added to a frame in memory, and end writes it.
type frameWriter struct {
	w       io.Writer
	kind    byte
	payload []byte
	scratch []byte
	sum     uint64 // checksum of the frame before
}

// newFrameWriter writes the header.
func newFrameWriter(w io.Writer) (*frameWriter, error) {
	header := binary.LittleEndian.AppendUint32([]byte(snapshotMagic), snapshotVersion)
	_, err := w.Write(header)
	return &frameWriter{w: w, sum: xxh3.Hash(header)}, err
}

func (f *frameWriter) begin(kind byte) { f.kind, f.payload = kind, f.payload[:0] }

func (f *frameWriter) len() int { return len(f.payload) }

func (f *frameWriter) uvarint(n uint64) { f.payload = binary.AppendUvarint(f.payload, n) }

func (f *frameWriter) fixed(n uint64) { f.payload = binary.LittleEndian.AppendUint64(f.payload, n) }

func (f *frameWriter) text(s string) {
	f.uvarint(uint64(len(s)))
	f.payload = append(f.payload, s...)
}

func (f *frameWriter) bytes(b []byte) {
	f.uvarint(uint64(len(b)))
	f.payload = append(f.payload, b...)
}

func (f *frameWriter) end() error {
	head := append(f.scratch[:0], f.kind)
	head = binary.AppendUvarint(head, uint64(len(f.payload)))
	f.sum = frameSum(f.sum, head, f.payload)
	f.scratch = head
	if _, err := f.w.Write(head); err != nil {
		return err
	}
	if _, err := f.w.Write(f.payload); err != nil {
		return err
	}
	_, err := f.w.Write(binary.LittleEndian.AppendUint64(nil, f.sum))
	return err
}

// frameSum is the checksum of a frame.
func frameSum(before uint64, head, payload []byte) uint64 {
	return xxh3.HashSeed(payload, xxh3.HashSeed(head, before))
}

// isAssigned reports whether id is the one that a ring with that tag assigns to seq.
func isAssigned(tag string, seq uint64, id string) bool {
	if len(id) <= len(tag) || id[:len(tag)] != tag || id[len(tag)] != '-' {
		return false
	}
	var buf [20]byte
	return id[len(tag)+1:] == string(strconv.AppendUint(buf[:0], seq, 10))
}

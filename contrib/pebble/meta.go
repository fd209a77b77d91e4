package pebble

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A description is the part of a session that Create sets and Update changes.
type description struct {
	inc       uint64
	created   int64
	ttl       time.Duration
	limits    ring.Config // without zeros
	tag       string
	note      string // of the first lease that had one
	principal string
	metadata  metadata
}

// metadata is what Update may change: ClientInfo is JSON, so that numbers in it come back as
// float64.
type metadata struct {
	transport  string
	clientInfo string
}

const descriptionVersion = 2

func (s *description) encode() []byte {
	b := binary.LittleEndian.AppendUint64([]byte{descriptionVersion}, s.inc)
	b = binary.AppendVarint(b, s.created)
	b = binary.AppendVarint(b, int64(s.ttl))
	l, strict := s.limits, 0
	if l.StrictIDs {
		strict = 1
	}
	for _, n := range []int{l.MaxEvents, l.MaxBytes, l.MaxEventBytes, l.MaxIDBytes, strict} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, part := range []string{s.tag, s.note, s.principal, s.metadata.transport, s.metadata.clientInfo} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

func decodeDescription(key, value []byte) (s description, err error) {
	d := decoder{b: value}
	if d.byte() != descriptionVersion {
		d.bad = true
	}
	s.inc, s.created, s.ttl = d.uint64(), d.varint(), time.Duration(d.varint())
	s.limits = ring.Config{
		MaxEvents: int(d.uvarint()), MaxBytes: int(d.uvarint()), MaxEventBytes: int(d.uvarint()),
		MaxIDBytes: int(d.uvarint()), StrictIDs: d.uvarint() != 0,
	}
	s.tag, s.note, s.principal, s.metadata.transport, s.metadata.clientInfo = d.string(), d.string(), d.string(),
		d.string(), d.string()
	if _, err := s.limits.Complete(); err != nil || len(s.tag) != tagLen || len(d.b) > 0 {
		d.bad = true
	}
	return s, d.check(key)
}

// newMetadata checks md and returns the part that is kept beside the principal.
func newMetadata(md shard.Metadata) (metadata, error) {
	if err := md.Validate(); err != nil {
		return metadata{}, err
	}
	b, err := json.Marshal(md.ClientInfo)
	if err != nil {
		return metadata{}, fmt.Errorf("pebble: Metadata.ClientInfo: %w", err)
	}
	return metadata{strings.Clone(md.Transport), string(b)}, nil
}

// public returns the metadata of a session that belongs to principal, for the application.
func (m metadata) public(principal string) (shard.Metadata, error) {
	md := shard.Metadata{Transport: m.transport, Principal: principal}
	if err := json.Unmarshal([]byte(m.clientInfo), &md.ClientInfo); err != nil {
		return md, fmt.Errorf("%w: Metadata.ClientInfo: %w", ErrCorrupt, err)
	}
	return md, nil
}

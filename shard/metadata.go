package shard

import (
	"fmt"
	"reflect"
	"strings"
)

// MaxMetadataBytes bounds a session's metadata: the bytes of its strings and keys, what numbers and
// arrays of them take, and 16 for each key, value, field and element, at every depth, behind
// pointers too.
const MaxMetadataBytes = 16 << 10

// Metadata is what the application says about a session. Its text must be UTF-8.
//
// It is copied whenever it goes in or out, at every depth, so that nobody can change what another
// holds. The exceptions are structs with unexported fields, which are copied as an assignment
// would, and what pointers to them, channels and functions refer to, which stays shared: keep
// ClientInfo to what JSON can say.
type Metadata struct {
	Transport  string         // "sse", "http", …
	Principal  string         // who the session belongs to; bound for its lifetime
	ClientInfo map[string]any // copied in and out
}

// Validate returns the error with which every Store refuses the metadata, or nil:
// [ErrMetadataTooLarge], or [ErrInvalidMetadata], which names the field whose text is not UTF-8. It
// is for those who implement one.
func (md Metadata) Validate() error {
	_, err := md.measure(MaxMetadataBytes)
	return err
}

// metadata is a version of a session's metadata. It is never changed: Update replaces it, until the
// session's end makes it final. nil stands for empty metadata.
type metadata struct {
	Metadata
	size  int32 // as MaxMetadataBytes counts it
	final bool  // no version follows: the session has ended
}

func newMetadata(md Metadata) (*metadata, error) { return newMetadataUpTo(MaxMetadataBytes, md) }

func newMetadataUpTo(limit int, md Metadata) (*metadata, error) {
	size, err := md.measure(limit)
	if err != nil {
		return nil, err
	}
	if size == 0 && md.ClientInfo == nil {
		return nil, nil
	}
	md.Transport, md.Principal = strings.Clone(md.Transport), strings.Clone(md.Principal)
	md.ClientInfo = copyMap(md.ClientInfo)
	return &metadata{Metadata: md, size: int32(size)}, nil
}

// measure returns the size of md as MaxMetadataBytes counts it, up to a limit.
func (md Metadata) measure(limit int) (size int, err error) {
	m := meter{left: limit}
	where := m.text(md.Transport, "Transport")
	if where == "" {
		where = m.text(md.Principal, "Principal")
	}
	if where == "" && len(md.ClientInfo) > 0 {
		if path := m.value(reflect.ValueOf(md.ClientInfo)); path != "" {
			where = "ClientInfo" + path
		}
	}
	switch {
	case m.left < 0:
		return 0, fmt.Errorf("%w: it takes more than %d bytes", ErrMetadataTooLarge, limit)
	case where != "":
		return 0, fmt.Errorf("%w: %s is not UTF-8: %s", ErrInvalidMetadata, where, m.shown())
	}
	return limit - m.left, nil
}

// public returns a copy for the application.
func (md *metadata) public() Metadata {
	if md == nil {
		return Metadata{}
	}
	m := md.Metadata
	m.ClientInfo = copyMap(m.ClientInfo)
	return m
}

func (md *metadata) principal() string {
	if md == nil {
		return ""
	}
	return md.Principal
}

func (md *metadata) bytes() int64 {
	if md == nil {
		return 0
	}
	return int64(md.size)
}

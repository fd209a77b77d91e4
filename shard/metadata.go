package shard

import (
	"fmt"
	"reflect"
	"strings"
)

// MaxMetadataBytes bounds a session's metadata: the bytes of its strings, keys and numbers, and 16 for each key and value.
const MaxMetadataBytes = 16 << 10

// Metadata is what the application says about a session.
//
// It is copied whenever it goes in or out, maps and slices in ClientInfo at every depth, so that nobody can change what another
// holds. Pointers, and structs that hold any, are copied as they are: keep ClientInfo to what JSON can say.
type Metadata struct {
	Transport  string         // "sse", "http", …
	Principal  string         // who the session belongs to; bound for its lifetime
	ClientInfo map[string]any // copied in and out
}

// metadata is a version of a session's metadata. It is never changed: Update replaces it, until the session's end freezes it.
// nil stands for empty metadata.
type metadata struct {
	Metadata
	size   int32 // as MaxMetadataBytes counts it
	frozen bool  // no version follows: the session has ended
}

func newMetadata(md Metadata) (*metadata, error) {
	left := MaxMetadataBytes - len(md.Transport) - len(md.Principal)
	if left >= 0 && len(md.ClientInfo) > 0 {
		charge(reflect.ValueOf(md.ClientInfo), &left)
	}
	if left < 0 {
		return nil, fmt.Errorf("%w: over %d bytes", ErrMetadataTooLarge, MaxMetadataBytes)
	}
	if left == MaxMetadataBytes && md.ClientInfo == nil {
		return nil, nil
	}
	md.Transport, md.Principal = strings.Clone(md.Transport), strings.Clone(md.Principal)
	md.ClientInfo = copyMap(md.ClientInfo)
	return &metadata{Metadata: md, size: int32(MaxMetadataBytes - left)}, nil
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

func copyMap(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	c := make(map[string]any, len(m))
	for k, v := range m {
		c[k] = copyValue(v)
	}
	return c
}

func copyValue(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int, int64, float64:
		return v
	case map[string]any:
		return copyMap(v)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Map || r.Kind() == reflect.Slice {
		return deepCopy(r).Interface()
	}
	return v
}

// deepCopy copies maps and slices of any type, and returns everything else as it is.
func deepCopy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		return deepCopy(v.Elem())
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			c.SetMapIndex(it.Key(), deepCopy(it.Value()))
		}
		return c
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			c.Index(i).Set(deepCopy(v.Index(i)))
		}
		return c
	}
	return v
}

// charge takes what v costs from left, and stops when that is negative. Every value costs something, so it comes to an end even for
// a map that contains itself.
func charge(v reflect.Value, left *int) {
	if v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	*left -= 16
	if *left < 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		*left -= v.Len()
	case reflect.Array, reflect.Struct:
		*left -= int(v.Type().Size())
	case reflect.Map:
		for it := v.MapRange(); *left >= 0 && it.Next(); {
			charge(it.Key(), left)
			charge(it.Value(), left)
		}
	case reflect.Slice:
		if elem := v.Type().Elem(); elem.Kind() <= reflect.Complex128 { // bytes and numbers cost what they take
			*left -= v.Len() * int(elem.Size())
			return
		}
		for i := 0; *left >= 0 && i < v.Len(); i++ {
			charge(v.Index(i), left)
		}
	}
}

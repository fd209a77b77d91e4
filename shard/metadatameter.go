package shard

import (
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"
)

// A meter measures metadata and looks for text that is not UTF-8. Every value costs something, so
// it comes to an end even for a map that contains itself.
type meter struct {
	left int    // of MaxMetadataBytes; negative: over
	bad  string // the first text that is not UTF-8
}

// text measures s and returns name if s is not UTF-8.
func (m *meter) text(s, name string) (where string) {
	m.left -= len(s)
	if m.left < 0 || utf8.ValidString(s) {
		return ""
	}
	m.bad = s
	return name
}

// shown is the text that is not UTF-8, quoted and not too long.
func (m *meter) shown() string { return fmt.Sprintf("%.64q", m.bad) }

// value measures v and all that it holds or refers to. If it finds text that is not UTF-8, it
// returns where, as Go would select it from v; "." stands for v itself.
func (m *meter) value(v reflect.Value) (where string) {
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	if m.left -= 16; m.left < 0 {
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		return m.text(v.String(), ".")
	case reflect.Pointer:
		if !v.IsNil() {
			return m.value(v.Elem())
		}
	case reflect.Map:
		return m.entries(v)
	case reflect.Slice, reflect.Array:
		return m.elements(v)
	case reflect.Struct:
		return m.fields(v)
	}
	return ""
}

func (m *meter) entries(v reflect.Value) string {
	for it := v.MapRange(); m.left >= 0 && it.Next(); {
		if m.value(it.Key()) != "" {
			return " has a key that"
		}
		if where := m.value(it.Value()); where != "" {
			return fmt.Sprintf("[%#v]", it.Key()) + within(where)
		}
	}
	return ""
}

func (m *meter) elements(v reflect.Value) string {
	if elem := v.Type().Elem(); isPlain(elem) { // bytes and numbers cost what they take
		m.left -= v.Len() * int(elem.Size())
		return ""
	}
	for i := 0; m.left >= 0 && i < v.Len(); i++ {
		if where := m.value(v.Index(i)); where != "" {
			return fmt.Sprintf("[%d]", i) + within(where)
		}
	}
	return ""
}

var timeType = reflect.TypeFor[time.Time]()

func (m *meter) fields(v reflect.Value) string {
	m.left -= int(v.Type().Size())
	if v.Type() == timeType { // which refers to the tables of its zone
		return ""
	}
	for i := 0; m.left >= 0 && i < v.NumField(); i++ {
		if where := m.value(v.Field(i)); where != "" {
			return "." + v.Type().Field(i).Name + within(where)
		}
	}
	return ""
}

// within is where, seen from what holds the value.
func within(where string) string {
	if where == "." {
		return ""
	}
	return where
}

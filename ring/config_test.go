package ring

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

func TestZeroConfigHasTheDocumentedDefaults(t *testing.T) {
	g, err := newGroup(Config{}, shared{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Config{1000, 8 << 20, 1 << 20, 256, false}); g.Config() != want {
		t.Errorf("defaults are %+v, want %+v", g.Config(), want)
	}
}

func TestLimitOutOfRangeIsAnErrorThatNamesFieldAndValue(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{MaxEvents: -1}, "Config.MaxEvents is -1"},
		{Config{MaxEvents: 1<<20 + 1}, "Config.MaxEvents is 1048577"},
		{Config{MaxBytes: -5}, "Config.MaxBytes is -5"},
		{Config{MaxEventBytes: -7}, "Config.MaxEventBytes is -7"},
		{Config{MaxEventBytes: 1 << 30}, "Config.MaxEventBytes is 1073741824"},
		{Config{MaxIDBytes: -1}, "Config.MaxIDBytes is -1"},
		{Config{MaxIDBytes: 1025}, "Config.MaxIDBytes is 1025, want 1 to 1024, or 0 for 256"},
	} {
		r, err := New(c.cfg)
		if r != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%+v): %v, want an error with %q", c.cfg, err, c.want)
		}
		var typed *ConfigError
		if !errors.As(err, &typed) ||
			!strings.HasPrefix(c.want, fmt.Sprintf("Config.%s is %d", typed.Field, typed.Value)) {
			t.Errorf("New(%+v): %#v does not tell field and value", c.cfg, err)
		}
		if err := c.cfg.Check(Event{}); !errors.As(err, &typed) {
			t.Errorf("Check with %+v: %v", c.cfg, err)
		}
	}
	if _, err := New(Config{MaxEvents: 1 << 20}); err != nil {
		t.Errorf("the bound itself: %v", err)
	}
}

func TestLayout(t *testing.T) {
	if n := unsafe.Sizeof(Ring{}); n != 72 && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a Ring has %d bytes, want 72", n)
	}
	if n := unsafe.Sizeof(directory{}); n > 48 {
		t.Errorf("a directory has %d bytes, accounted as 48", n)
	}
	if n := unsafe.Sizeof(page{}); n != headBytes {
		t.Errorf("a page's header has %d bytes, want %d", n, headBytes)
	}
	if n := unsafe.Sizeof(slot{}); n != slotBytes {
		t.Errorf("a slot has %d bytes, want %d", n, slotBytes)
	}
	if n := unsafe.Sizeof(bucket{}); n != bucketBytes {
		t.Errorf("a bucket has %d bytes, want %d", n, bucketBytes)
	}
}

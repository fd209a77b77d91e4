package ring

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAnIDMayBeAsLongAsTheConfigSays(t *testing.T) {
	for _, most := range []int{1, 8, 40, 256, 257, 1024} {
		for _, char := range []string{"x", "é"} {
			longest := strings.Repeat(char, most/len(char)) + strings.Repeat("x", most%len(char))
			r := newRing(t, Config{MaxIDBytes: most})
			stored := mustAppend(t, r, Event{ID: longest, Stream: "stream", Type: "type", Data: []byte("data")})
			if stored.ID != longest || seekSeq(t, r, longest) != 1 {
				t.Errorf("%d: the longest ID is stored as %q", most, stored.ID)
			}
			var e Event
			if c := mustSeek(t, r, ""); !c.Next(&e) || e.ID != longest || e.Stream != "stream" || e.Type != "type" ||
				string(e.Data) != "data" {
				t.Errorf("%d: read as %+v", most, e)
			}
			_, err := r.Append(Event{ID: longest})
			wantErr(t, err, ErrDuplicateID)
			_, err = r.Append(Event{ID: longest + "x"})
			wantField(t, err, "ID", longest+"x")
			_, err = r.AppendAll(nil, []Event{{ID: "a"}, {ID: longest + "x"}})
			wantField(t, err, "ID", longest+"x")
			_, err = r.Seek(longest + "x")
			wantErr(t, err, ErrUnknownID)
			if s := r.Stats(); s.Last != 1 {
				t.Errorf("%d: %+v after refusals", most, s)
			}
		}
	}
}

// The bound is for what producers bring: what the ring assigns is longer than the smallest bounds.
func TestAssignedIDsAndPlacesAreTakenWhateverTheBound(t *testing.T) {
	r := newRing(t, Config{MaxIDBytes: 1, StrictIDs: true})
	e := mustAppend(t, r, Event{})
	if seekSeq(t, r, e.ID) != 1 || seekSeq(t, r, r.PositionID(1)) != 1 {
		t.Errorf("%q or %q is not found", e.ID, r.PositionID(1))
	}
}

func TestStreamAndTypeKeepTheirBound(t *testing.T) {
	long := strings.Repeat("x", MaxIDBytes+1)
	for _, most := range []int{1, 1024} {
		r := newRing(t, Config{MaxIDBytes: most})
		_, err := r.Append(Event{Stream: long})
		wantField(t, err, "Stream", long)
		_, err = r.Append(Event{Type: long})
		wantField(t, err, "Type", long)
		mustAppend(t, r, Event{ID: "x", Stream: long[1:], Type: long[1:]})
	}
}

func TestStrictIDsArePrintableASCII(t *testing.T) {
	r, free := newRing(t, Config{StrictIDs: true}), newRing(t, Config{})
	for _, id := range []string{"é", "日本語", "12345678é", "a\u00a0b", "😀", "\u2028"} {
		_, err := r.Append(Event{ID: id})
		wantField(t, err, "ID", id)
		_, err = r.AppendAll(nil, []Event{{ID: "a"}, {ID: id}})
		wantField(t, err, "ID", id)
		_, err = r.Seek(id)
		wantErr(t, err, ErrUnknownID)
		mustAppend(t, free, Event{ID: id})
	}
	for _, id := range []string{"a b", "!~", "12345678 12345678"} {
		mustAppend(t, r, Event{ID: id, Stream: "é", Type: "é"})
	}
	if s := r.Stats(); s.Last != 3 {
		t.Errorf("%+v, want the three that are plain", s)
	}
}

func TestCheckSaysWhatAppendWouldRefuse(t *testing.T) {
	for _, cfg := range []Config{
		{}, {MaxIDBytes: 3}, {MaxIDBytes: 1024}, {StrictIDs: true}, {MaxEventBytes: 300}, {MaxBytes: 364},
	} {
		for _, e := range []Event{
			{}, {ID: "abc"}, {ID: "abcd"}, {ID: strings.Repeat("x", 300)}, {ID: "é"}, {ID: "a\n"}, {Stream: "\xff"},
			{Type: "\x00"}, {Time: time.Unix(0, 0).AddDate(500, 0, 0)},
			{Data: make([]byte, 300)}, {Data: make([]byte, 301)},
		} {
			_, err := newRing(t, cfg).Append(e)
			if got := cfg.Check(e); fmt.Sprint(got) != fmt.Sprint(err) {
				t.Errorf("%+v, %.40q: Check says %v, Append %v", cfg, e.ID, got, err)
			}
		}
	}
}

// Clients ask for IDs that are not there as often as they like.
func TestARefusalCostsOneAllocationAndIsFormattedWhenAsked(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 4, MaxEventBytes: 2000})
	own := strings.Repeat("own", 50)
	for range 6 {
		mustAppend(t, r, Event{})
	}
	mustAppend(t, r, Event{ID: own})
	gone, next, goneTo, nextTo := r.Tag()+"-1", r.Tag()+"-99", r.PositionID(1), r.PositionID(99)
	var err error
	for name, c := range map[string]struct {
		do   func()
		want error
		text string
	}{
		"Seek of an unknown ID":        {func() { _, err = r.Seek("no such ID") }, ErrUnknownID, `"no such ID"`},
		"Seek of an ID that is huge":   {func() { _, err = r.Seek(hugeText) }, ErrUnknownID, hugeText[:300] + `"`},
		"Seek of one to come":          {func() { _, err = r.Seek(next) }, ErrUnknownID, next},
		"Seek of an evicted one":       {func() { _, err = r.Seek(gone) }, ErrEvicted, gone},
		"Seek of a place that is gone": {func() { _, err = r.Seek(goneTo) }, ErrEvicted, goneTo},
		"Seek of a place to come":      {func() { _, err = r.Seek(nextTo) }, ErrUnknownID, nextTo},
		"a duplicate":                  {func() { _, err = r.Append(Event{ID: own}) }, ErrDuplicateID, `" is sequence 7`},
		"an event that is too large":   {func() { _, err = r.Append(Event{Data: hugeData}) }, ErrEventTooLarge, "5000"},
		"a field that is malformed":    {func() { _, err = r.Append(Event{ID: "a\n"}) }, ErrInvalidEvent, `ID is "a\n"`},
	} {
		if n := testing.AllocsPerRun(100, c.do); n > 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v with %s", name, err, c.want, c.text)
		}
	}
	cursor := Cursor{ring: r, gone: true, seq: 3}
	if n := testing.AllocsPerRun(100, func() { err = cursor.Err() }); n > 1 {
		t.Errorf("an overtaken cursor: %v allocations", n)
	}
	wantErr(t, err, ErrEvicted)
}

var (
	hugeText = strings.Repeat("x", 5000)
	hugeData = make([]byte, 5000)
)

func wantField(t testing.TB, err error, field, value string) {
	t.Helper()
	var f *FieldError
	if !errors.As(err, &f) || f.Field != field || f.Value != value || !errors.Is(err, ErrInvalidEvent) {
		t.Fatalf("error is %v, want a FieldError of %s", err, field)
	}
}

package gosdk

import (
	"strings"
	"testing"

	"github.com/reprise-go/reprise/ring"
)

func TestOrdinaryStreamsKeepTheirNamesAndWireIDs(t *testing.T) {
	for _, stream := range []string{"", "a", "K2YJ5QKJ3ZQWXPPXHFTS3ZDVXE", "with_underscore", "_", "__1",
		strings.Repeat("x", maxPlain)} {
		if got := ringStream(stream); got != stream {
			t.Errorf("ringStream(%q) = %q", stream, got)
		}
	}
	if got := eventID("K2YJ", 17); got != "K2YJ_17" {
		t.Errorf("eventID = %q", got)
	}
	if got := eventID("", 0); got != "_0" {
		t.Errorf("eventID = %q", got)
	}
}

func TestStreamsThatTheRingWouldRefuseAreHashed(t *testing.T) {
	for _, stream := range []string{"~", "~x", "a b", "line\nbreak", "\x00", "ünïcode", "\xff",
		strings.Repeat("x", maxPlain+1), strings.Repeat("é", 1<<16)} {
		if got := ringStream(stream); !strings.HasPrefix(got, "~") || len(got) != 44 {
			t.Errorf("ringStream(%.20q) = %q, want ~ and 43 characters", stream, got)
		}
	}
}

func TestIndexOfAcceptsExactlyWhatEventIDReturns(t *testing.T) {
	for _, c := range []struct {
		stream, id string
		want       uint64
		ok         bool
	}{
		{"a", "a_0", 0, true},
		{"", "_7", 7, true},
		{"a_1", "a_1_2", 2, true},
		{"a", "a_1_2", 0, false},
		{"a", "b_1", 0, false},
		{"a", "a", 0, false},
		{"a", "a_", 0, false},
		{"a", "a_-1", 0, false},
		{"a", "a_+1", 0, false},
		{"a", "a_01", 0, false},
		{"a", "a_1 ", 0, false},
		{"a", "a_18446744073709551615", 1<<64 - 1, true},
		{"a", "a_18446744073709551616", 0, false},
	} {
		if got, ok := indexOf(c.stream, c.id); got != c.want || ok != c.ok {
			t.Errorf("indexOf(%q, %q) = %d, %v, want %d, %v", c.stream, c.id, got, ok, c.want, c.ok)
		}
	}
}

func FuzzEventIDIsUnambiguousAndFitsTheRing(f *testing.F) {
	f.Add("", "_", uint64(0), uint64(1))
	f.Add("a", "a_1", uint64(12), uint64(2))
	f.Add("~", "\xff\x00", uint64(1<<63), uint64(0))
	f.Add("a\r\n", strings.Repeat("long", 100), uint64(maxIndex), uint64(10))
	f.Fuzz(func(t *testing.T, a, b string, i, j uint64) {
		streamA, streamB := ringStream(a), ringStream(b)
		if (streamA == streamB) != (a == b) {
			t.Fatalf("streams %q and %q become %q and %q", a, b, streamA, streamB)
		}
		idA, idB := eventID(streamA, i), eventID(streamB, j)
		if (idA == idB) != (a == b && i == j) {
			t.Fatalf("event %d of %q and %d of %q become %q and %q", i, a, j, b, idA, idB)
		}
		if got, ok := indexOf(streamA, idA); got != i || !ok {
			t.Fatalf("indexOf(%q, %q) = %d, %v, want %d", streamA, idA, got, ok, i)
		}
		if _, ok := indexOf(streamB, idA); ok != (a == b) {
			t.Fatalf("%q of stream %q is taken for one of %q", idA, a, b)
		}
		r, err := ring.New(ring.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Append(ring.Event{ID: idA, Stream: streamA}); err != nil {
			t.Fatalf("the ring refuses event %d of stream %q: %v", i, a, err)
		}
	})
}

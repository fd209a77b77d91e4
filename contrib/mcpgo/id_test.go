package mcpgo

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestOrdinaryStreamsKeepTheirNames(t *testing.T) {
	for _, stream := range []string{"", "a", ".", "b6f1f6a2-7d8e-4a55-9f3c-0e4b3e6f2f10",
		strings.Repeat("x", maxName)} {
		if got := streamName(stream); got != stream {
			t.Errorf("streamName(%.20q) = %.20q", stream, got)
		}
	}
}

func TestStreamsThatAnIDCannotCarryAreHashed(t *testing.T) {
	for _, stream := range []string{"~", "~x", "a b", "a\n", "\x00", "é", "\xff", strings.Repeat("x", maxName+1)} {
		if got := streamName(stream); !isHashed(got) || len(got) != 44 || !printable(got) {
			t.Errorf("streamName(%.20q) = %q, want ~ and 43 characters", stream, got)
		}
	}
}

func TestTheLongestIDFillsTheRingsBound(t *testing.T) {
	es := New(nil)
	if id := es.newID("S", strings.Repeat("x", maxName)); len(id) != ring.MaxIDBytes {
		t.Fatalf("%d bytes, want %d", len(id), ring.MaxIDBytes)
	}
}

func TestOnlyIssuedIDsBearTheSeal(t *testing.T) {
	es, other := New(nil), New(nil)
	id := es.newID("S", "a")
	if !es.issued("S", id) {
		t.Fatal("an issued ID does not")
	}
	for _, id := range []string{"", id + "b", "!" + id[1:], "\r\n" + id[2:], id[:4] + "\n" + id[5:],
		other.newID("S", "a"), es.newID("T", "a"), es.newID("Sa", "")} {
		if es.issued("S", id) {
			t.Errorf("%q does", id)
		}
	}
}

func TestDataThatIsNoEnvelopeIsNotOpened(t *testing.T) {
	name := streamName("ä")
	good := enclose(name, "ä", []byte("m"))
	for _, data := range [][]byte{nil, {}, {5}, {200}, good[:1], good[:2],
		[]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), enclose(name, "ö", nil)} {
		if stream, _, ok := disclose(name, data); ok {
			t.Errorf("%q is taken for one of stream %q", data, stream)
		}
	}
}

func FuzzStreamsNeverMix(f *testing.F) {
	f.Add("", "~", "m")
	f.Add("a", "a.b", "")
	f.Add("\xff\x00", "a\r\n", "{}")
	f.Add(strings.Repeat("long", 100), strings.Repeat("long", 101), "m")
	f.Fuzz(func(t *testing.T, a, b, message string) {
		if (streamName(a) == streamName(b)) != (a == b) {
			t.Fatalf("streams %q and %q become %q and %q", a, b, streamName(a), streamName(b))
		}
		es := newStore(t, shard.Config{Shards: 1})
		first := mustStore(t, es, "S", a, "first")
		if len(first) > 256 || strings.ContainsAny(first, "\r\n") {
			t.Fatalf("ID %q", first)
		}
		mustStore(t, es, "S", b, "of b")
		mustStore(t, es, "S", a, message)
		want := []string{message}
		if a == b {
			want = []string{"of b", message}
		}
		wantReplay(t, es, "S", first, a, want...)
	})
}

func FuzzLastEventIDsAreDataFromOutside(f *testing.F) {
	m, err := shard.New(shard.Config{})
	if err != nil {
		f.Fatal(err)
	}
	defer m.Close()
	es := New(replay.Local(m))
	issued := map[string]bool{}
	for _, stream := range []string{"a", "ä", ""} {
		id := mustStore(f, es, "S", stream, "m")
		issued[id] = true
		f.Add(id)
		f.Add(id[:len(id)-1])
	}
	f.Add("0000000000000\r0\r000000.") // base64 passes over line breaks
	f.Fuzz(func(t *testing.T, id string) {
		_, err := es.ReplayEventsAfter(t.Context(), "S", id, func(string, json.RawMessage) error { return nil })
		if (err == nil) != issued[id] {
			t.Fatalf("replay after %q: %v", id, err)
		}
	})
}

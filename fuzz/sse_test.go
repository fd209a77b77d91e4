package fuzz_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// FuzzSSE writes two events, whatever they contain, and reads the stream as a browser does: exactly
// these two arrive, with their line ends unified and what is not UTF-8 replaced; nothing forges a
// field, a comment or a third event.
func FuzzSSE(f *testing.F) {
	for _, s := range []string{"", "x", " x", "  ", ":", "a:b", "\n", "\r", "\r\n", "\n\r", "\r\r\n\n", "a\nb",
		"a\r\nb\r", "\n\ndata: forged\n\n",
		"id: forged", "\x00", "a\x00b", "\ufeff", "\ufeffdata", "\xff", "\xe2\x82", "\xe2\x82\n\xac", "\xf0\x9f\x98",
		"\xed\xa0\x80", "\xc0\x80",
		"é\r\u2028\u0085\n€", "message", "retry: 1", "data", strings.Repeat("a\n", 50), strings.Repeat("\r", 50)} {
		f.Add(s, s, []byte(s), "2", "", []byte("next"))
		f.Add("1", "", []byte(s), "2", s, []byte(s))
		f.Add(s, s, []byte(nil), "", "", []byte(nil))
	}
	f.Fuzz(func(t *testing.T, id1, typ1 string, data1 []byte, id2, typ2 string, data2 []byte) {
		a := ring.Event{Seq: 1, ID: id1, Type: typ1, Stream: "not written", Data: data1}
		b := ring.Event{Seq: 2, ID: id2, Type: typ2, Data: data2}
		before := []byte(":before\n\n")
		stream := replay.AppendSSE(replay.AppendSSE(slices.Clone(before), a), b)
		if alone := slices.Concat(before, replay.AppendSSE(nil, a), replay.AppendSSE(nil, b)); !bytes.Equal(stream,
			alone) {
			t.Fatalf("appended to something else an event is written as %q, alone %q", stream, alone)
		}
		got := parseEventStream(stream)
		want := []dispatched{arriving(a), arriving(b)}
		if id2 == "" { // no line: the client's place remains
			want[1].lastEventID = want[0].lastEventID
		}
		if !slices.Equal(got.events, want) || got.comments != 1 || got.ignored != 0 || got.retry != "" || got.unended {
			t.Fatalf("%q\narrives as %+v\nwant events %+v and one comment", stream, got, want)
		}
	})
}

// arriving is how the documentation says that an event arrives in a browser.
func arriving(e ring.Event) dispatched {
	clean := strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ")
	d := dispatched{clean.Replace(e.ID), clean.Replace(e.Type), unifyLineEnds(string(e.Data))}
	d.lastEventID, d.typ, d.data = decodeUTF8([]byte(d.lastEventID)), decodeUTF8([]byte(d.typ)),
		decodeUTF8([]byte(d.data))
	if d.typ == "" {
		d.typ = "message"
	}
	return d
}

func TestEventStreamParserFollowsTheStandardsExamples(t *testing.T) {
	const bom = "\xef\xbb\xbf"
	message := func(data string) dispatched { return dispatched{"", "message", data} }
	for stream, want := range map[string][]dispatched{
		"data: YHOO\ndata: +2\ndata: 10\n\n": {message("YHOO\n+2\n10")},
		": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n": {
			{"1", "message", "first event"}, message("second event"),
		},
		"data\n\ndata\ndata\n\ndata:":                                      {message(""), message("\n")},
		"data:test\n\ndata: test\n\n":                                      {message("test"), message("test")},
		bom + "event: add\r\ndata: 1\r\rid: a\x00b\ndata: " + bom + "\n\n": {{"", "add", "1"}, message("\ufeff")},

		"data: \xe2\x82\xc3\xa9\xf0\x9f\x98\xff\xed\xa0\x80\n\n": {message("\ufffdé\ufffd\ufffd\ufffd\ufffd\ufffd")},
	} {
		if got := parseEventStream([]byte(stream)).events; !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q", stream, got, want)
		}
	}
}

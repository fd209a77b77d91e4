package replay

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/reprise-go/reprise/ring"
)

func TestAppendSSE(t *testing.T) {
	for _, c := range []struct {
		name, id, typ, data, want string
	}{
		{"one line", "1", "", "hello", "id: 1\ndata: hello\n\n"},
		{"a type", "1", "token", "hello", "id: 1\nevent: token\ndata: hello\n\n"},
		{"empty data is an empty line, which a browser dispatches", "1", "", "", "id: 1\ndata: \n\n"},
		{"a leading space survives", "1", "", " x", "id: 1\ndata:  x\n\n"},
		{"a colon is data", "1", "", ":x: y", "id: 1\ndata: :x: y\n\n"},
		{"LF", "1", "", "a\nb", "id: 1\ndata: a\ndata: b\n\n"},
		{"CR", "1", "", "a\rb", "id: 1\ndata: a\ndata: b\n\n"},
		{"CRLF is one line end", "1", "", "a\r\nb", "id: 1\ndata: a\ndata: b\n\n"},
		{"LFCR is two", "1", "", "a\n\rb", "id: 1\ndata: a\ndata: \ndata: b\n\n"},
		{"CRCRLF is two", "1", "", "a\r\r\nb", "id: 1\ndata: a\ndata: \ndata: b\n\n"},
		{"a line end at the end", "1", "", "a\n", "id: 1\ndata: a\ndata: \n\n"},
		{"a line end at the beginning", "1", "", "\na", "id: 1\ndata: \ndata: a\n\n"},
		{"nothing but a line end", "1", "", "\n", "id: 1\ndata: \ndata: \n\n"},
		{"a field in the data stays data", "1", "", "a\n\nid: 2\ndata: b",
			"id: 1\ndata: a\ndata: \ndata: id: 2\ndata: data: b\n\n"},
		{"a line end in the ID forges nothing", "1\nevent: x\rdata: y\x00", "", "a",
			"id: 1 event: x data: y \ndata: a\n\n"},
		{"a line end in the type forges nothing", "1", "x\r\n\r\ndata: y", "a",
			"id: 1\nevent: x    data: y\ndata: a\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := AppendSSE([]byte("before"),
				ring.Event{ID: c.id, Type: c.typ, Data: []byte(c.data), Stream: "unseen"})
			if string(got) != "before"+c.want {
				t.Errorf("got %q, want %q", got, "before"+c.want)
			}
		})
	}
}

// asReceived is what a browser makes of e: the specification of the package comment.
func asReceived(e ring.Event) received {
	data := strings.ReplaceAll(string(e.Data), "\r\n", "\n")
	data = strings.ReplaceAll(data, "\r", "\n")
	var typ = e.Type
	if typ == "" {
		typ = "message"
	}
	return received{e.ID, typ, decode([]byte(data), false)}
}

func TestAnyPayloadArrives(t *testing.T) {
	arrives := func(seed uint64) bool {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var stream []byte
		var want []received
		for i := range 8 {
			e := ring.Event{ID: fmt.Sprint("é", seed, "-", i), Data: anyData(rnd)}
			if rnd.IntN(2) == 0 {
				e.Type = "type"
			}
			stream = AppendSSE(stream, e)
			want = append(want, asReceived(e))
		}
		got := parse(stream).events
		if !reflect.DeepEqual(got, want) {
			t.Logf("got  %q\nwant %q", got, want)
			return false
		}
		return true
	}
	if err := quick.Check(arrives, &quick.Config{MaxCount: 5000}); err != nil {
		t.Error(err)
	}
}

// anyData is made of what could break the format.
func anyData(rnd *rand.Rand) []byte {
	parts := []string{"\r", "\n", "\r\n", " ", ":", "\x00", "data: ", "id: 9\n", "\xEF\xBB\xBF", "\xff", "日本", "x",
		"retry: 1\n\n"}
	var b []byte
	for range rnd.IntN(12) {
		b = append(b, parts[rnd.IntN(len(parts))]...)
	}
	return b
}

func FuzzAppendSSE(f *testing.F) {
	for _, seed := range []string{"", "a", "\r", "\n", "\r\n\r\n", "a\rb\nc\r\nd", " a", "data: x\n\n", "\xff\xfe",
		"\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := ring.Event{ID: "1", Data: data}
		got := parse(AppendSSE(nil, e)).events
		if len(got) != 1 || got[0] != asReceived(e) {
			t.Fatalf("%q arrives as %q", data, got)
		}
	})
}

func TestAppendSSEDoesNotAllocateBeyondDst(t *testing.T) {
	e := ring.Event{ID: "tag-1", Type: "t", Data: []byte("one\ntwo\rthree\r\n")}
	dst := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { dst = AppendSSE(dst[:0], e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	e.Data = bytes.Repeat([]byte("x"), 1<<16)
	if n := testing.AllocsPerRun(10, func() { AppendSSE(nil, e) }); n > 1 && !raceEnabled {
		t.Errorf("%v allocations for a dst that is too small, want one", n)
	}
}

// A search that began anew at each line would take half a minute here.
func TestEncodingTimeIsLinearInLines(t *testing.T) {
	for _, line := range []string{"\r", "\n", "\r\n"} {
		start := time.Now()
		AppendSSE(nil, ring.Event{ID: "1", Data: bytes.Repeat([]byte(line), 1<<20)})
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("1 Mi lines that end in %q took %v", line, took)
		}
	}
}

// One op is one event of 4 KiB of single-line data, encoded into a stream's batch. The floor copies
// the data and does nothing else. "hot" is one event again and again, from the first-level cache;
// "log" goes through a log of 8 MiB, as a replay does.
func BenchmarkAppendSSE(b *testing.B) {
	const size = 4096
	for name, n := range map[string]int{"hot": 1, "log": 8 << 20 / size} {
		log := bytes.Repeat([]byte("x"), n*size)
		dst := make([]byte, 0, 2*batch)
		at := func(i int) []byte { i = i % n * size; return log[i : i+size : i+size] }
		b.Run(name+"/encode", func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if len(dst) > batch {
					dst = dst[:0]
				}
				dst = AppendSSE(dst, ring.Event{ID: "0123456789ab-123456", Data: at(i)})
			}
		})
		b.Run(name+"/floor=memcpy", func(b *testing.B) {
			b.SetBytes(size)
			for i := 0; b.Loop(); i++ {
				if len(dst) > batch {
					dst = dst[:0]
				}
				dst = append(dst, at(i)...)
			}
		})
	}
}

package interop

import (
	"strings"
	"testing"

	"github.com/reprise-go/reprise/ring"
)

// payloads are what a stream of text may get wrong.
func payloads() []string {
	return []string{
		"",
		"one line",
		"two\nlines",
		"\n",
		"\n\nempty lines around\n\n",
		"CR\rCRLF\r\nLF\nCRCR\r\rLFCR\n\rend\r\n",
		" a leading space", "  two", "\ta tab", "trailing space ",
		":a comment?", "data: a field?", "id: 7\ndata: forged\n\n", "x\n\nevent: forged\ndata: forged\n\n", "retry: 1",
		"\ufeffa byte order mark", "NUL \x00 in the middle", "\u2028\u2029\u0085 line ends of other standards",
		"日本語 中文 한국어", "العربية עברית", "Ελληνικά кириллица हिन्दी", "👩‍👩‍👧 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 e\u0301",
		strings.Repeat("x", 4<<10),
		strings.Repeat("進捗👍\n", 1<<14),
		strings.Repeat("0123456789abcdef", 1<<16)[:1<<20-100], // MaxEventBytes, room for an ID
	}
}

func TestABrowserGetsEveryPayloadAsSent(t *testing.T) {
	f := newFollower(t)
	for i, payload := range payloads() {
		f.add(t, ring.Event{Data: []byte(payload), Type: []string{"", "token"}[i%2]})
	}
	f.add(t, ring.Event{ID: "日本 <&\"' 100% id", Data: []byte("an ID of one's own")})
	f.wantEverything(t)
	if n := value[int](t, f.tab, "events.filter(e => e.type === 'forged').length"); n != 0 {
		t.Errorf("%d forged events", n)
	}
}

func TestABrowserGetsAVeryLongEventWholeWhenItIsCutInIt(t *testing.T) {
	f := newFollower(t)
	f.fill(t, 1)
	f.caughtUp(t)
	long := ring.Event{Data: []byte(strings.Repeat("進捗 — прогресс\n", 1<<15))}
	f.cut(t, 700<<10, func() { f.add(t, long) })
	f.cut(t, 700<<10, func() {}) // and again in the replay
	f.wantEverything(t)
}

// The ID of an event comes back in a header, where bytes above ASCII are a matter of agreement.
func TestABrowserResumesAfterAnIDOfOnesOwn(t *testing.T) {
	for _, id := range []string{"plain", "日本語", "a \"b\" %41 +/=;,", "é"} {
		t.Run(id, func(t *testing.T) {
			f := newFollower(t)
			f.add(t, ring.Event{ID: id, Data: []byte("before")})
			f.caughtUp(t)
			f.cut(t, 50, func() { f.fill(t, 10) })
			f.wantEverything(t)
			f.cut(t, 50, func() { f.fill(t, 10) })
			f.wantEverything(t)
		})
	}
}

package gosdk

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/shard"
)

func TestAThousandReloadsTakeTheListeningStreamOver(t *testing.T) {
	const reloads, held = 1000, 20
	// one for the stream, one for the replay
	b := newBackend(t, shard.Config{MaxAttached: 2}, mcp.StreamableHTTPOptions{}, nil)
	session := begin(t, b, "")
	var open []*wire // as many as a proxy that does not close its side
	last := ""
	for i := range reloads {
		w := listen(t, b, session, "2025-11-25", last)
		w.want(t, fmt.Sprintf("_%d", i), "") // its place
		notify(t, b, session, i+1, "")
		last = fmt.Sprintf("_%d", i+1)
		w.want(t, last, fmt.Sprintf(`"progress":%d`, i+1))
		if open = append(open, w); len(open) > held {
			open[0].resp.Body.Close()
			open = open[1:]
		}
	}
	for _, w := range open[:len(open)-1] {
		for w.lines.Scan() {
		}
	}
	testkit.Eventually(t, "one stream is left", func() bool { return b.endpoint.Stats().Listening == 1 })
	if st := b.endpoint.Stats(); st.Replaced < held || st.Refused[http.StatusConflict] != 0 {
		t.Errorf("%+v", st)
	}
}

func TestACallsStreamIsTakenOverFromAConnectionThatSeemsAlive(t *testing.T) {
	goOn := make(chan struct{})
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, func(i int) {
		if i == 1 {
			<-goOn
		}
	})
	session := begin(t, b, "")
	first := post(t, b.url, "2025-11-25", session, "", fmt.Sprintf(callCount, 2, 2)) // stays open
	buf := make([]byte, 64<<10)
	text := ""
	for !strings.Contains(text, `"progress":1`) {
		n, err := first.Body.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		text += string(buf[:n])
	}
	_, rest, _ := strings.Cut(text, "id: ")
	prime, _, _ := strings.Cut(rest, "\n")
	second := listen(t, b, session, "2025-11-25", prime)
	second.want(t, prime, "")
	close(goOn)
	stream := strings.TrimSuffix(prime, "_0")
	second.want(t, stream+"_1", `"progress":1`)
	second.want(t, stream+"_2", `"progress":2`)
	second.want(t, stream+"_3", `"result"`)
}

func TestCloseEndsListeningStreamsAndLetsCallsFinish(t *testing.T) {
	goOn := make(chan struct{})
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, func(int) { <-goOn })
	session := begin(t, b, "")
	listening := listen(t, b, session, "2025-11-25", "")
	answered := make(chan string)
	go func() {
		_, text := call(t, b, session, "", 1)
		answered <- text
	}()
	testkit.Eventually(t, "the call is under way", func() bool { return b.endpoint.Stats().Calls == 1 })
	b.endpoint.Close()
	b.endpoint.Close()
	for listening.lines.Scan() {
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp := do(t, r, session, ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a GET afterwards: %d", resp.StatusCode)
	}
	close(goOn)
	if text := <-answered; !strings.Contains(text, `"result"`) {
		t.Errorf("the call: %s", text)
	}
}

func TestASilentStreamIsKeptAliveByComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write([]byte("data: 1\n\n"))
			time.Sleep(35 * time.Second)
			w.Write([]byte("data: 2\n\n"))
		})
		w := httptest.NewRecorder()
		e := Middleware(&hooked{}, next, Options{KeepAlive: 10 * time.Second})
		e.ServeHTTP(w, request("", ""))
		if got := w.Body.String(); got != "data: 1\n\n:\n:\n:\ndata: 2\n\n" {
			t.Errorf("%q", got)
		}
		if st := e.Stats(); st.Streams != 1 || st.Calls != 0 || st.Bytes != uint64(w.Body.Len()) {
			t.Errorf("%+v", st)
		}
	})
}

func TestAHeaderThatComesTwiceCountsAsItsLast(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	session := begin(t, b, "")
	w := listen(t, b, session, "2025-11-25", "")
	w.want(t, "_0", "")
	for i := range 3 {
		notify(t, b, session, i+1, "")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header[mcphttp.LastEventID] = []string{"_1", "_2"}
	r.Header[mcphttp.ProtocolVersion] = []string{"1999-01-01", "2025-11-25"}
	r.Header[mcphttp.SessionID] = []string{"nobody", session}
	resp := do(t, r, "", "")
	if resp.StatusCode != 200 {
		t.Fatalf("%d: %s", resp.StatusCode, body(t, resp))
	}
	again := newWire(resp)
	again.want(t, "_2", "")
	again.want(t, "_3", `"progress":3`)
}

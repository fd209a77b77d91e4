package replay

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// rawAnswer is the answer to a request that no client would send, or on a connection that nobody
// closes.
type rawAnswer struct {
	*http.Response
	conn   net.Conn
	hangUp func()
}

func dialRaw(t *testing.T, srv *httptest.Server, request string) rawAnswer {
	t.Helper()
	conn := must(net.Dial("tcp", srv.Listener.Addr().String()))
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	must(io.WriteString(conn, request))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return rawAnswer{resp, conn, func() { conn.Close() }}
}

// A page that is loaded again opens its new stream before anybody knows that the old connection is
// dead. Each load must get its stream, from where it was, and each event once.
func TestAThousandReloadsOfAnExclusiveStream(t *testing.T) {
	// With room for the newcomer beside the old stream, and without.
	for places, reloads := range []int{1000, 200} {
		m := newManager(t, shard.Config{MaxAttached: places})
		s := create(t, m, "s", "")
		h := &Handler{Store: Local(m), Exclusive: true}
		srv := serve(t, h, false)
		last := ""
		for n := range reloads {
			resp, err := srv.Client().Get(srv.URL + "?session=s&lastEventId=" + last)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != 200 {
				t.Fatalf("reload %d: %s", n, resp.Status)
			}
			add(t, s, strconv.Itoa(n))
			p := newParser()
			readUntil(t, resp.Body, p, func() bool { return len(p.events) == 1 })
			equal(t, "event", p.events[0].Data, strconv.Itoa(n))
			last = p.lastEventID
			defer resp.Body.Close() // long after the next one has come
		}
		testkit.Eventually(t, "one stream is left", func() bool {
			return h.Stats().Open == 1 && s.Info().Attached == 1
		})
		equal(t, "replaced", h.Stats().Replaced, reloads-1)
		equal(t, "slow", h.Stats().Slow, 0)
	}
}

// Behind a proxy that keeps its connection to the server, an old stream looks alive for ever, and
// may not even be read.
func TestTheNewestReaderTakesOverFromOneBehindAProxyThatNeverCloses(t *testing.T) {
	m := newManager(t, shard.Config{MaxAttached: 1, Ring: ring.Config{MaxEvents: 1000, MaxBytes: 64 << 20}})
	s := create(t, m, "s", "")
	h := &Handler{Store: Local(m), Exclusive: true, WriteTimeout: -1, KeepAlive: -1}
	srv := serve(t, h, false)
	old := dialRaw(t, srv, "GET /?session=s HTTP/1.1\r\nHost: x\r\n\r\n")
	data := make([]byte, 100_000)
	for range 150 {
		must(s.Append(ring.Event{Data: data})) // more than the connection takes: the old stream hangs in a write
	}
	begun := time.Now()
	resp := dial(t, srv, false, "")
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("the newcomer has waited %v", took)
	}
	p := newParser()
	readUntil(t, resp.Body, p, func() bool { return len(p.events) == 150 })
	testkit.Eventually(t, "one stream is left", func() bool { return h.Stats().Open == 1 })
	if _, err := io.Copy(io.Discard, old.Body); err == nil {
		t.Error("the old stream ended as if it were whole")
	}
}

// Each of the newcomers is the newest at some time. All get a stream, also where there is room for
// one reader alone, and the last one keeps it.
func TestOfRacingNewcomersOneStays(t *testing.T) {
	for _, room := range []int{0, 1, 2} {
		t.Run(fmt.Sprint("MaxAttached ", room), func(t *testing.T) {
			onEachProtocol(t, func(t *testing.T, http2 bool) { raceNewcomers(t, room, http2) })
		})
	}
}

func raceNewcomers(t *testing.T, room int, http2 bool) {
	const newcomers = 30
	m := newManager(t, shard.Config{MaxAttached: room})
	s := create(t, m, "s", "")
	h := &Handler{Store: Local(m), Exclusive: true}
	srv := serve(t, h, http2)
	var wg sync.WaitGroup
	for range newcomers {
		wg.Go(func() {
			resp, err := srv.Client().Get(srv.URL + "?session=s")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			equal(t, "status", resp.StatusCode, 200)
			io.Copy(io.Discard, resp.Body) // until somebody else takes over, or the end
		})
	}
	testkit.Eventually(t, "all but one are through", func() bool {
		st := h.Stats()
		return st.Open == 1 && st.Streams == newcomers && s.Info().Attached == 1
	})
	equal(t, "replaced", h.Stats().Replaced, newcomers-1)
	s.Finish()
	wg.Wait()
	equal(t, "open", h.Stats().Open, 0)
}

// A newcomer that is refused ends nobody's stream.
func TestARefusedNewcomerTakesNothingOver(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	h := &Handler{Store: Local(m), Exclusive: true}
	srv := serve(t, h, false)
	resp := dial(t, srv, false, "")
	equal(t, "status", get(t, h, request("GET", "s", "Last-Event-ID", "unknown")).Code, 410)
	add(t, s, "still here")
	p := newParser()
	readUntil(t, resp.Body, p, func() bool { return len(p.events) == 1 })
	other := create(t, m, "other", "")
	add(t, other, "x")
	equal(t, "another session", fmt.Sprint(datas(get(t, h, request("GET", "other")).events())), "[x]")
	equal(t, "replaced", h.Stats().Replaced, 0)
}

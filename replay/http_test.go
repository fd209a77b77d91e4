package replay

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// serve starts a real server on TCP; configure may change it before.
func serve(t *testing.T, h http.Handler, http2 bool, configure ...func(*httptest.Server)) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, f := range configure {
		f(srv)
	}
	if http2 {
		srv.EnableHTTP2 = true
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(func() {
		if h, ok := h.(*Handler); ok {
			h.Close()
		}
		srv.Close()
	})
	return srv
}

// onEachProtocol runs a test over HTTP/1.1 and over HTTP/2.
func onEachProtocol(t *testing.T, test func(t *testing.T, http2 bool)) {
	t.Run("HTTP/1.1", func(t *testing.T) { test(t, false) })
	t.Run("HTTP/2", func(t *testing.T) { test(t, true) })
}

// dial opens a stream of session s and checks that it is one.
func dial(t *testing.T, srv *httptest.Server, http2 bool, lastEventID string) *http.Response {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), "GET", srv.URL+"?session=s", nil))
	r.Header.Set("Accept", "text/event-stream")
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || (resp.ProtoMajor == 2) != http2 {
		t.Fatalf("%s %s", resp.Proto, resp.Status)
	}
	return resp
}

// readUntil feeds a stream to a parser until ok.
func readUntil(t *testing.T, body io.Reader, p *parser, ok func() bool) {
	t.Helper()
	b := make([]byte, 4096)
	for !ok() {
		n, err := body.Read(b)
		p.Write(b[:n])
		if err != nil && !ok() {
			t.Fatalf("%v after %d events and %d comments", err, len(p.events), p.comments)
		}
	}
}

func TestHeadersArriveBeforeAnyEvent(t *testing.T) {
	onEachProtocol(t, func(t *testing.T, http2 bool) {
		m := newManager(t, shard.Config{})
		s := create(t, m, "s", "")
		resp := dial(t, serve(t, &Handler{Store: Local(m)}, http2), http2, "")
		p := newParser()
		readUntil(t, resp.Body, p, func() bool { return p.comments == 1 && p.retry == 3000 })
		id := add(t, s, "hello").ID
		readUntil(t, resp.Body, p, func() bool { return len(p.events) == 1 })
		equal(t, "event", p.events[0], received{id, "message", "hello"})
		equal(t, "Cache-Control", resp.Header.Get("Cache-Control"), "no-cache, no-transform")
	})
}

func TestTenCutsLoseAndRepeatNothing(t *testing.T) {
	onEachProtocol(t, func(t *testing.T, http2 bool) {
		const events, cuts = 3000, 10
		m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: events}})
		s := create(t, m, "s", "")
		srv := serve(t, &Handler{Store: Local(m)}, http2)
		rnd := rand.New(rand.NewPCG(7, 7))
		due := make(chan struct{}, events)
		go func() {
			for i := range events {
				select { // the writer stays a little ahead of the reader: replay and live both happen
				case <-due:
				case <-t.Context().Done():
					return
				}
				s.Append(ring.Event{Data: fmt.Append(nil, i, "\nsecond line")})
			}
			s.Finish()
		}()
		feed := func(n int) {
			for range n {
				select {
				case due <- struct{}{}:
				default:
				}
			}
		}
		feed(300)
		var all []received
		for cut := 0; ; cut++ {
			last := ""
			if len(all) > 0 {
				last = all[len(all)-1].LastEventID
			}
			resp := dial(t, srv, http2, last)
			p := newParser()
			size := 12_000
			if cut == cuts {
				size = 1 << 30
				feed(events)
			}
			b := make([]byte, 512)
			var err error
			for left := size/2 + rnd.IntN(size); left > 0 && err == nil; { // ends in the middle of an event, mostly
				var n int
				n, err = resp.Body.Read(b[:min(left, len(b))])
				p.Write(b[:n])
				left -= n
				feed(n/20 + 1)
			}
			all = append(all, p.events...)
			resp.Body.Close()
			testkit.Eventually(t, "the stream is gone", func() bool { return s.Info().Attached == 0 })
			if err != nil && err != io.EOF {
				t.Fatal(err)
			}
			if err == io.EOF {
				equal(t, "cuts before the end", cut, cuts)
				break
			}
		}
		equal(t, "events", len(all), events)
		for i, e := range all {
			if want := fmt.Sprint(i, "\nsecond line"); e.Data != want {
				t.Fatalf("event %d is %q, want %q", i, e.Data, want)
			}
		}
		r := must(http.NewRequest("GET", srv.URL+"?session=s&last_event_id="+all[events-1].LastEventID, nil))
		resp := must(srv.Client().Do(r))
		resp.Body.Close()
		equal(t, "status of a reconnect that has everything", resp.StatusCode, 204)
	})
}

// stall opens a stream whose client never reads it.
func stall(t *testing.T, srv *httptest.Server, http2 bool) {
	t.Helper()
	if http2 {
		dial(t, srv, true, "") // flow control stalls it once the stream's window is used up
		return
	}
	conn := must(net.Dial("tcp", srv.Listener.Addr().String()))
	t.Cleanup(func() { conn.Close() })
	conn.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(conn, "GET /?session=s HTTP/1.1\r\nHost: x\r\n\r\n")
	must(http.ReadResponse(bufio.NewReaderSize(conn, 16), nil))
}

func TestStalledClientCostsItsOwnConnectionAlone(t *testing.T) {
	onEachProtocol(t, func(t *testing.T, http2 bool) {
		m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 1000, MaxBytes: 64 << 20}})
		s := create(t, m, "s", "")
		srv := serve(t, &Handler{Store: Local(m), WriteTimeout: -1}, http2)
		stall(t, srv, http2)
		healthy := dial(t, srv, http2, "")
		testkit.Eventually(t, "both streams are open", func() bool { return s.Info().Attached == 2 })

		const events = 150
		data := bytes.Repeat([]byte("x"), 100_000)
		appended := make(chan struct{})
		go func() {
			defer close(appended)
			for range events {
				s.Append(ring.Event{Data: data})
			}
		}()
		testkit.Await(t, "all is appended", appended)
		p := newParser()
		readUntil(t, healthy.Body, p, func() bool { return len(p.events) == events })
		equal(t, "the stalled stream is still there", s.Info().Attached, 2)
	})
}

// unread is a connection that nobody reads once stop is closed.
type unread struct {
	net.Conn
	stop, end <-chan struct{}
}

func (u unread) Read(b []byte) (int, error) {
	select {
	case <-u.stop:
		<-u.end
		return 0, net.ErrClosed
	default:
		return u.Conn.Read(b[:min(len(b), 4096)])
	}
}

// A deadline ends an HTTP/2 stream with a frame, which a connection that nobody reads at all does
// not take.
func TestWriteByteTimeoutEndsAStalledHTTP2Connection(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxBytes: 64 << 20}})
	s := create(t, m, "s", "")
	srv := serve(t, &Handler{Store: Local(m), WriteTimeout: 100 * time.Millisecond}, true, func(srv *httptest.Server) {
		srv.Config.HTTP2 = &http.HTTP2Config{WriteByteTimeout: 300 * time.Millisecond}
	})
	stop, end := make(chan struct{}), make(chan struct{})
	transport := srv.Client().Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := net.Dial(network, addr)
		if err != nil {
			return nil, err
		}
		conn.(*net.TCPConn).SetReadBuffer(4096)
		return unread{conn, stop, end}, nil
	}
	for range 5 {
		dial(t, srv, true, "")
	}
	testkit.Eventually(t, "all streams are open", func() bool { return s.Info().Attached == 5 })
	close(stop)
	defer close(end)
	for range 60 {
		must(s.Append(ring.Event{Data: bytes.Repeat([]byte("x"), 100_000)}))
	}
	testkit.Eventually(t, "all streams are gone", func() bool { return s.Info().Attached == 0 })
}

func TestStreamOutlivesTheServersTimeouts(t *testing.T) {
	onEachProtocol(t, func(t *testing.T, http2 bool) {
		const timeout = 400 * time.Millisecond
		for _, writeTimeout := range []time.Duration{0, -1, timeout / 2} {
			t.Run(fmt.Sprint("WriteTimeout=", writeTimeout), func(t *testing.T) {
				t.Parallel()
				m := newManager(t, shard.Config{})
				s := create(t, m, "s", "")
				// The keep-alive is longer than every timeout: none may strike while the stream is
				// idle.
				h := &Handler{Store: Local(m), WriteTimeout: writeTimeout, KeepAlive: 2 * timeout}
				srv := serve(t, h, http2, func(srv *httptest.Server) {
					srv.Config.WriteTimeout, srv.Config.ReadTimeout, srv.Config.IdleTimeout = timeout, timeout, timeout
				})
				resp := dial(t, srv, http2, "")
				p := newParser()
				readUntil(t, resp.Body, p, func() bool { return p.comments == 2 })
				add(t, s, "still here")
				readUntil(t, resp.Body, p, func() bool { return len(p.events) == 1 })
				s.Finish()
				rest, err := io.ReadAll(resp.Body)
				if err != nil || len(rest) != 0 {
					t.Errorf("ended with %q, %v", rest, err)
				}
			})
		}
	})
}

func TestClientThatGoesIsDetached(t *testing.T) {
	onEachProtocol(t, func(t *testing.T, http2 bool) {
		m := newManager(t, shard.Config{})
		s := create(t, m, "s", "")
		srv := serve(t, &Handler{Store: Local(m), KeepAlive: -1, WriteTimeout: -1}, http2)
		resp := dial(t, srv, http2, "")
		equal(t, "attached", s.Info().Attached, 1)
		resp.Body.Close()
		testkit.Eventually(t, "detached", func() bool { return s.Info().Attached == 0 })
	})
}

func TestShutdownEndsEveryStream(t *testing.T) {
	onEachProtocol(t, func(t *testing.T, http2 bool) {
		m := newManager(t, shard.Config{Ring: ring.Config{MaxBytes: 64 << 20}})
		s := create(t, m, "s", "")
		h := &Handler{Store: Local(m), KeepAlive: -1, WriteTimeout: -1}
		srv := serve(t, h, http2, func(srv *httptest.Server) { srv.Config.RegisterOnShutdown(h.Close) })
		var healthy []*http.Response
		for range 2 {
			healthy = append(healthy, dial(t, srv, http2, ""))
		}
		stall(t, srv, http2)
		testkit.Eventually(t, "all streams are open", func() bool { return s.Info().Attached == 3 })
		const events = 60
		var reading sync.WaitGroup
		var complete atomic.Int32
		for _, resp := range healthy {
			reading.Go(func() {
				p := newParser()
				readUntil(t, resp.Body, p, func() bool { return len(p.events) == events })
				complete.Add(1)
				if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) != 0 {
					t.Errorf("ended with %q, %v", rest, err)
				}
			})
		}
		for range events {
			must(s.Append(ring.Event{Data: bytes.Repeat([]byte("x"), 100_000)}))
		}
		testkit.Eventually(t, "healthy clients have everything", func() bool { return complete.Load() == 2 })
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
		defer cancel()
		if err := srv.Config.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v after %v", err, time.Since(start))
		}
		reading.Wait()
		equal(t, "attached", s.Info().Attached, 0)
	})
}

func TestExclusiveIsExact(t *testing.T) {
	onEachProtocol(t, func(t *testing.T, http2 bool) {
		m := newManager(t, shard.Config{})
		s := create(t, m, "s", "")
		h := &Handler{Store: Local(m), Exclusive: true, Keep: KeepFirst}
		srv := serve(t, h, http2)
		for range 5 {
			var mu sync.Mutex
			var wg sync.WaitGroup
			var open []*http.Response
			status := map[int]int{}
			for range 20 {
				wg.Go(func() {
					resp, err := srv.Client().Get(srv.URL + "?session=s")
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					status[resp.StatusCode]++
					open = append(open, resp)
				})
			}
			wg.Wait()
			equal(t, "status", status, map[int]int{200: 1, 409: 19})
			for _, resp := range open {
				resp.Body.Close()
			}
			testkit.Eventually(t, "the place is free", func() bool {
				return !h.streams.Holds("s")
			})
			equal(t, "attached once it is", s.Info().Attached, 0)
		}
	})
}

func TestManyStreamsCloseUnderConcurrency(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	h := &Handler{Store: Local(m)}
	srv := serve(t, h, false)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var status []int
	for range 30 {
		wg.Go(func() {
			resp, err := srv.Client().Get(srv.URL + "?session=s")
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body) // until Close
			resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			status = append(status, resp.StatusCode)
		})
	}
	testkit.Eventually(t, "some streams are open", func() bool { return s.Info().Attached > 3 })
	for range 3 {
		wg.Go(h.Close)
	}
	wg.Wait()
	for _, code := range status {
		if code != 200 && code != 503 {
			t.Errorf("status %d", code)
		}
	}
	testkit.Eventually(t, "detached", func() bool { return s.Info().Attached == 0 })
}

func TestHTTP10ClientIsServed(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	add(t, s, "1")
	s.Finish()
	srv := serve(t, &Handler{Store: Local(m)}, false)
	conn := must(net.Dial("tcp", srv.Listener.Addr().String()))
	defer conn.Close()
	fmt.Fprintf(conn, "GET /?session=s HTTP/1.0\r\n\r\n")
	resp := must(http.ReadResponse(bufio.NewReader(conn), nil))
	body, err := io.ReadAll(resp.Body)
	wantErr(t, err, nil)
	equal(t, "events", len(parse(body).events), 1)
}

// A request may say what it likes: none of it reaches another session, a header or a field of the
// stream.
func TestHostileRequests(t *testing.T) {
	m := newManager(t, shard.Config{})
	add(t, create(t, m, "theirs", "them"), "secret")
	must(create(t, m, "s", "").Append(ring.Event{Data: []byte("data\r\n\r\nid: forged\r\ndata: forged")}))
	srv := serve(t, &Handler{Store: Local(m)}, false)
	for _, c := range []struct {
		name, request string
		want          []int
	}{
		{"another principal's session", "GET /?session=theirs HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}},
		{"two session headers: the last one counts",
			"GET / HTTP/1.1\r\nHost: x\r\nMcp-Session-Id: s\r\nMcp-Session-Id: none\r\n\r\n", []int{404}},
		{"a session ID with a line end", "GET /?session=s%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}},
		{"an event ID with a line end", "GET /?session=s&last_event_id=%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: " +
			"x\r\n\r\n", []int{400}},
		{"a long event ID", "GET /?session=s HTTP/1.1\r\nHost: x\r\nLast-Event-ID: " + string(bytes.Repeat([]byte("x"),
			10_000)) + "\r\n\r\n", []int{400}},
		{"a foreign origin", "GET /?session=s HTTP/1.1\r\nHost: x\r\nOrigin: http://evil\r\n\r\n", []int{403}},
		{"an origin that repeats a forged forwarded host",
			"GET /?session=s HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: evil\r\nOrigin: http://evil\r\n\r\n", []int{403}},
		{"a header beyond all bounds",
			"GET /?session=s HTTP/1.1\r\nHost: x\r\nAccept: " + string(bytes.Repeat([]byte("a,"), 1<<20)) + "\r\n\r\n",
			[]int{406, 431}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := must(net.Dial("tcp", srv.Listener.Addr().String()))
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			go io.WriteString(conn, c.request)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body := must(io.ReadAll(resp.Body))
			if !slices.Contains(c.want, resp.StatusCode) {
				t.Errorf("status %d, want %v", resp.StatusCode, c.want)
			}
			if bytes.Contains(body, []byte("secret")) || resp.Header.Get("X-Evil") != "" {
				t.Errorf("%v %q", resp.Header, body)
			}
		})
	}
	t.Run("an event's data cannot forge fields", func(t *testing.T) {
		p := newParser()
		readUntil(t, dial(t, srv, false, "").Body, p, func() bool { return len(p.events) == 1 })
		if p.lastEventID == "forged" {
			t.Errorf("%+v", p.events)
		}
	})
}

// A client that reconnects in a tight loop leaves nothing behind.
func TestTightReconnects(t *testing.T) {
	m := newManager(t, shard.Config{MaxAttached: 4})
	s := create(t, m, "s", "")
	fill(t, s, 10)
	h := &Handler{Store: Local(m)}
	srv := serve(t, h, false)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				conn, err := net.Dial("tcp", srv.Listener.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Fprintf(conn, "GET /?session=s HTTP/1.1\r\nHost: x\r\n\r\n")
				conn.Read(make([]byte, 16))
				conn.Close()
			}
		})
	}
	wg.Wait()
	testkit.Eventually(t, "all are gone", func() bool {
		return s.Info().Attached == 0 && h.Stats().Open == 0
	})
}

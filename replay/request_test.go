package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestHeadAnswersAsGetWouldAndReadsNothing(t *testing.T) {
	onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
		s := create(t, m, "s", "")
		id := add(t, s, "x").ID
		finished := create(t, m, "finished", "")
		finished.Finish()
		h := &Handler{Store: store, Exclusive: true}
		for _, c := range []struct {
			session string
			header  []string
			want    int
		}{
			{"s", nil, 200}, {"s", []string{"Last-Event-ID", id}, 200}, {"s", []string{"Last-Event-ID", "x"}, 410},
			{"unknown", nil, 404},
			{"finished", nil, 204}, {"", nil, 400}, {"s", []string{"Accept", "text/html"}, 406},
			{"s", []string{"Origin", "null"}, 403},
		} {
			head, full := get(t, h, request("HEAD", c.session, c.header...)),
				get(t, h, request("GET", c.session, c.header...))
			equal(t, "status", head.Code, c.want)
			equal(t, "status of GET", full.Code, c.want)
			equal(t, "header", fmt.Sprint(head.Header()), fmt.Sprint(full.Header()))
			if c.want == 200 {
				equal(t, "body", head.Body.Len(), 0)
			}
		}
		equal(t, "streams, of the two GETs", h.Stats().Streams, 2)
		equal(t, "attached", m.Stats().Attached, 0)
	})
}

func TestHeadOfASessionThatHasAStream(t *testing.T) {
	for keep, want := range map[KeepPolicy]int{KeepNewest: 200, KeepFirst: 409} {
		m := newManager(t, shard.Config{MaxAttached: 1})
		s := create(t, m, "s", "")
		h := &Handler{Store: Local(m), Exclusive: true, Keep: keep}
		srv := serve(t, h, false)
		resp := dial(t, srv, false, "")
		r := must(http.Head(srv.URL + "?session=s"))
		equal(t, "status", r.StatusCode, want)
		add(t, s, "goes on")
		p := newParser()
		readUntil(t, resp.Body, p, func() bool { return len(p.events) == 1 })
	}
	http.DefaultClient.CloseIdleConnections()
}

// A proxy may send a GET as chunked, without a byte in it.
func TestAnEmptyChunkedBodyIsNone(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	srv := serve(t, &Handler{Store: Local(m)}, false)
	for body, want := range map[string]int{"0\r\n\r\n": 200, "1\r\nx\r\n0\r\n\r\n": 400} {
		conn := dialRaw(t, srv, "GET /?session=s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+body)
		equal(t, "status", conn.StatusCode, want)
		if want == 200 {
			testkit.Eventually(t, "attached", func() bool { return s.Info().Attached == 1 })
			conn.hangUp()
			testkit.Eventually(t, "that the client has gone is noticed", func() bool { return s.Info().Attached == 0 })
		}
	}
}

func TestSameOriginByWhatTheBrowserSays(t *testing.T) {
	for _, c := range []struct {
		sites  []string
		origin string
		want   bool
	}{
		{[]string{"same-origin"}, "https://behind-a-proxy.example", true},
		{[]string{"none"}, "", true},
		{[]string{"cross-site"}, "http://example.com", false},
		{[]string{"same-site"}, "http://example.com", false},
		{[]string{"cross-site"}, "", true}, // no foreign page reads the answer
		{[]string{"same-origin", "cross-site"}, "http://evil.example", false},
		{[]string{""}, "http://evil.example", false},
		{nil, "http://example.com", true},
		{nil, "http://evil.example", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Sec-Fetch-Site"] = c.sites
		if c.sites == nil {
			r.Header.Del("Sec-Fetch-Site")
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		equal(t, fmt.Sprint(c.sites, c.origin), SameOrigin(r), c.want)
	}
}

func TestWhatComesTwiceCountsAsItsLast(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	var ids []string
	for _, e := range fill(t, s, 4) {
		ids = append(ids, e.ID)
	}
	h := &Handler{Store: Local(m)}
	for _, c := range []struct {
		query  string
		header []string
		want   int
	}{
		{"session=none&session=s", nil, 4},
		{"session=s&lastEventId=" + ids[0], nil, 3},
		{"session=s&last_event_id=" + ids[0] + "&lastEventId=" + ids[2], nil, 1}, // the page's and the polyfill's
		{"session=s&lastEventId=" + ids[0] + "&lastEventId=" + ids[2], nil, 1},
		{"session=s&last_event_id=" + ids[0] + "&last_event_id=" + ids[1], nil, 2},
		{"session=s&lastEventId=&last_event_id=" + ids[1], nil, 2}, // an empty one is none
		{"session=s&lastEventId=" + ids[0], []string{ids[1]}, 2},
		{"session=s&lastEventId=" + ids[0], []string{ids[1], ids[2]}, 1},
		{"session=s&lastEventId=" + ids[0], []string{""}, 3},
	} {
		r := httptest.NewRequest("GET", "/?"+c.query, nil)
		r.Header["Last-Event-Id"] = c.header
		equal(t, fmt.Sprint(c.query, c.header), len(get(t, h, r).events()), c.want)
	}
}

func TestAMalformedWeightCountsAsOne(t *testing.T) {
	for _, q := range []string{"nan", "-1", "-0", "+0", `"0"`, "0x0", "inf", "", "0e5"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", "text/event-stream;q="+q)
		wantErr(t, checkAccept(r), nil)
	}
}

func TestReadOnlyLeavesDeleteOut(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "")
	h := &Handler{Store: Local(m), ReadOnly: true}
	a := get(t, h, request("DELETE", "s"))
	equal(t, "status", a.Code, 405)
	equal(t, "Allow", a.Header().Get("Allow"), "GET, HEAD")
	equal(t, "GET", get(t, h, request("GET", "s")).Code, 200)
}

func TestNotFoundStatus(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "me")
	h := &Handler{Store: Local(m), NotFoundStatus: 204}
	for _, session := range []string{"unknown", "s"} {
		equal(t, "GET", get(t, h, request("GET", session)).Code, 204)
		equal(t, "HEAD", get(t, h, request("HEAD", session)).Code, 204)
		equal(t, "DELETE", get(t, h, request("DELETE", session)).Code, 404)
	}
	equal(t, "no session ID", get(t, h, request("GET", "")).Code, 400)
	h.NotFoundStatus = 500
	equal(t, "a status that it cannot have", get(t, h, request("GET", "s")).Body.String(),
		"replay.Handler.NotFoundStatus is neither 404 nor 204\n")
}

func TestALimitIs429AndNoFailureOfTheStore(t *testing.T) {
	m := newManager(t, shard.Config{MaxAttached: 1})
	must(create(t, m, "s", "").Attach())
	var log bytes.Buffer
	h := &Handler{Store: Local(m), Retry: 1500 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	a := get(t, h, request("GET", "s"))
	equal(t, "status", a.Code, 429)
	equal(t, "Retry-After", a.Header().Get("Retry-After"), "2")
	if !strings.Contains(log.String(), "level=DEBUG") || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("log %q", &log)
	}
	h.RetryOnError = true
	equal(t, "to an EventSource, which gives up otherwise", get(t, h, request("GET", "s")).Body.String(),
		":\nretry: 1500\n")
	equal(t, "counted", h.Stats().Answers[429], 2)
	for err, want := range map[error]int{shard.ErrSessionLimit: 429, shard.ErrOverBudget: 429,
		ring.ErrEvicted: 410, shard.ErrFinished: 204,
		shard.ErrPrincipal: 404, io.ErrUnexpectedEOF: 503} {
		equal(t, err.Error(), Status(fmt.Errorf("wrapped: %w", err)), want)
	}
}

func TestEachConnectionHasARetryTimeOfItsOwn(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "")
	h := &Handler{Store: Local(m), Retry: time.Second, RetryMax: 5 * time.Second}
	times := map[int]bool{}
	for range 100 {
		retry := parse(get(t, h, request("GET", "s")).Body.Bytes()).retry
		if retry < 1000 || retry > 5000 {
			t.Fatalf("retry: %d", retry)
		}
		times[retry] = true
	}
	if len(times) < 50 {
		t.Errorf("%d different times for 100 connections", len(times))
	}
}

func TestKeepAliveBelow100msIsRaised(t *testing.T) {
	serving(t, &Handler{KeepAlive: 15}, func(t *testing.T, s *shard.Session, p *pipe, _ <-chan struct{}) {
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		equal(t, "comments", p.comments()-1, 10)
	})
}

// panicking is a client whose ResponseWriter panics in its nth write.
type panicking struct {
	*pipe
	left int
}

func (p *panicking) Write(b []byte) (int, error) {
	if p.left--; p.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return p.pipe.Write(b)
}

func TestAPanickingResponseWriterLeavesNothingOpen(t *testing.T) {
	for n := range 3 { // in the first write, with an event, and in a comment, which is another goroutine's
		synctest.Test(t, func(t *testing.T) {
			m := must(shard.New(shard.Config{TTL: -1}))
			defer m.Close()
			s := create(t, m, "s", "")
			h := &Handler{Store: Local(m)}
			p := &panicking{newPipe(t.Context()), n}
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { recover() }()
				h.ServeHTTP(p, request("GET", "s").WithContext(p.ctx))
			}()
			synctest.Wait()
			if n == 1 {
				add(t, s, "x")
			}
			time.Sleep(time.Hour)
			<-done
			equal(t, "open", h.Stats().Open, 0)
			equal(t, "attached", m.Stats().Attached, 0)
		})
	}
}

// An asking Store authorizes by itself.
type asking struct {
	Store
	err error
}

func (a asking) Authorize(_ context.Context, id, principal string) error { return a.err }

func TestAStoreMayAuthorizeByItself(t *testing.T) {
	m := newManager(t, shard.Config{})
	create(t, m, "s", "somebody")
	for err, want := range map[error]int{nil: 200, shard.ErrPrincipal: 404, shard.ErrNotFound: 404,
		errors.New("broken"): 503} {
		equal(t, fmt.Sprint(err), get(t, &Handler{Store: asking{Local(m), err}}, request("GET", "s")).Code, want)
	}
	ctx := t.Context()
	for _, store := range []Store{Local(m), foreign{Store: Local(m)}} {
		wantErr(t, Authorize(ctx, store, "s", "somebody"), nil)
		wantErr(t, Authorize(ctx, store, "s", "some"), shard.ErrPrincipal)
		wantErr(t, Authorize(ctx, store, "s", ""), shard.ErrPrincipal)
		wantErr(t, Authorize(ctx, store, "none", ""), shard.ErrNotFound)
	}
}

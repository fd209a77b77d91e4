package durablestreams_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func at(n int) string { return fmt.Sprintf("%016d_0000000000000000", n) }

func TestWhatIsNoLongerRetainedIsGoneByName(t *testing.T) {
	w := newWorld(t, shard.Config{})
	c := w.serve(&durablestreams.Handler{Limits: ring.Config{MaxEvents: 10}})
	c.want(201, c.do("PUT", "/s", "", "Content-Type", "text/plain"))
	for i := range 30 {
		c.want(204, c.do("POST", "/s", fmt.Sprintf("%02d ", i)))
	}
	for _, from := range []string{"-1", at(0), at(5), at(19)} {
		a := c.want(410, c.do("GET", "/s?offset="+from, ""))
		if got := a.Header.Get("Stream-Earliest-Offset"); got != at(20) {
			t.Errorf("from %s: the earliest offset is %s", from, got)
		}
	}
	want := "20 21 22 23 24 25 26 27 28 29 "
	if got := c.readAll("/s", at(20)); got != want {
		t.Errorf("from the earliest: %q", got)
	}
	if got := c.readAll("/s", at(25)); got != want[15:] {
		t.Errorf("from 25: %q", got)
	}
	c.want(410, c.do("PUT", "/old", "", "Stream-Forked-From", "/s", "Stream-Fork-Offset", at(10)))
	c.want(201, c.do("PUT", "/fork", "", "Stream-Forked-From", "/s", "Stream-Fork-Offset", at(28)))
	if got := c.readAll("/fork", at(22)); got != "22 23 24 25 26 27 " {
		t.Errorf("the fork: %q", got)
	}
}

func TestMoreThanAStreamMayRetainIsRefused(t *testing.T) {
	w := newWorld(t, shard.Config{})
	c := w.serve(&durablestreams.Handler{Limits: ring.Config{MaxBytes: 10_000, MaxEventBytes: 1_000, MaxEvents: 100}})
	c.want(201, c.do("PUT", "/b", "", "Content-Type", "application/octet-stream"))
	c.want(413, c.do("POST", "/b", strings.Repeat("x", 10_001), "Content-Type", "application/octet-stream"))
	c.want(413, c.do("PUT", "/b2", strings.Repeat("x", 9_990)))
	c.want(404, c.do("GET", "/b2", ""))
	big := strings.Repeat("0123456789", 500)
	c.want(204, c.do("POST", "/b", big, "Content-Type", "application/octet-stream"))
	if got := c.readAll("/b", "-1"); got != big {
		t.Errorf("a body of several events came back as %d bytes", len(got))
	}
	c.want(201, c.do("PUT", "/j", "", "Content-Type", "application/json"))
	c.want(413, c.do("POST", "/j", `"`+strings.Repeat("x", 1_000)+`"`, "Content-Type", "application/json"))
	if a := c.want(200, c.do("GET", "/j", "")); a.body != "[]" {
		t.Errorf("after the refusal: %q", a.body)
	}
}

func TestLimitsOfTheStoreAreTooManyRequests(t *testing.T) {
	w := newWorld(t, shard.Config{MaxSessions: 1})
	c := w.serve(&durablestreams.Handler{})
	c.want(201, c.do("PUT", "/a", ""))
	if a := c.want(429, c.do("PUT", "/b", "")); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	c.want(204, c.do("DELETE", "/a", ""))
	c.want(201, c.do("PUT", "/b", ""))
}

func TestAReaderThatStopsIsLetGo(t *testing.T) {
	w := newWorld(t, shard.Config{})
	h := &durablestreams.Handler{
		WriteTimeout: 200 * time.Millisecond, MaxChunk: 64 << 20,
		Limits: ring.Config{MaxBytes: 64 << 20, MaxEventBytes: 16 << 20},
	}
	c := w.serve(h)
	c.want(201, c.do("PUT", "/s", strings.Repeat("x", 32<<20), "Content-Type", "text/plain"))
	res, err := http.Get(c.url + "/s?offset=-1&live=sse")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	w.awaitReaders("/s", 0)
}

func TestCloseEndsLiveReads(t *testing.T) {
	w := newWorld(t, shard.Config{})
	h := &durablestreams.Handler{LongPoll: time.Hour, SSE: time.Hour}
	c := w.serve(h)
	c.want(201, c.do("PUT", "/s", "", "Content-Type", "text/plain"))
	done := make(chan int, 2)
	for _, live := range []string{"sse", "long-poll"} {
		go func() {
			a, err := c.try("GET", "/s?offset=-1&live="+live, "")
			if err != nil {
				t.Error(err)
			}
			done <- a.StatusCode
		}()
	}
	w.awaitReaders("/s", 2)
	h.Close()
	if a, b := testkit.Await(t, "an answer", done), testkit.Await(t, "another", done); a+b != 200+204 {
		t.Errorf("answers are %d and %d", a, b)
	}
	for _, live := range []string{"sse", "long-poll"} {
		if a := c.want(503, c.do("GET", "/s?offset=-1&live="+live, "")); a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	c.want(200, c.do("GET", "/s?offset=-1", ""))
}

// awaitReaders waits until a stream has so many: its session is attached to as long as it is served
// to one.
func (w *world) awaitReaders(id string, n int) {
	w.t.Helper()
	testkit.Eventually(w.t, fmt.Sprintf("%d readers", n), func() bool {
		info, err := w.store.Info(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		return info.Attached == n
	})
}

func TestAuthorizeDecidesBeforeAnythingIsDone(t *testing.T) {
	w := newWorld(t, shard.Config{})
	c := w.serve(&durablestreams.Handler{Authorize: func(r *http.Request) (string, error) {
		if user := r.Header.Get("Authorization"); user != "" {
			return user, nil
		}
		return "", http.ErrNoCookie
	}})
	c.want(403, c.do("PUT", "/s", ""))
	c.want(201, c.do("PUT", "/s", "", "Authorization", "alice"))
	if info, err := w.store.Info(t.Context(), "/s"); err != nil || info.Principal != "alice" {
		t.Errorf("the session: %+v, %v", info, err)
	}
	c.want(403, c.do("GET", "/s", ""))
	c.want(501, c.do("PUT", "/__ds/subscriptions/a", "{}", "Authorization", "alice"))
}

func TestPathsThatAreNoSessionIDsAreStreamsAllTheSame(t *testing.T) {
	w := newWorld(t, shard.Config{})
	c := w.serve(&durablestreams.Handler{})
	long := "/" + strings.Repeat("long", 100)
	for i, path := range []string{"/a%20b", "/%C3%A4", long, long + "er"} {
		c.want(201, c.do("PUT", path, fmt.Sprint(i)))
	}
	for i, path := range []string{"/a%20b", "/%C3%A4", long, long + "er"} {
		if got := c.readAll(path, "-1"); got != fmt.Sprint(i) {
			t.Errorf("%s has %q", path, got)
		}
	}
}

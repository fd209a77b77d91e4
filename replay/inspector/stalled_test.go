package inspector

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A stalled client takes nothing: a write to it fails at its deadline, or waits for ever.
type stalled struct {
	header   http.Header
	begun    chan struct{}
	deadline time.Time
}

func (s *stalled) Header() http.Header                { return s.header }
func (s *stalled) WriteHeader(int)                    {}
func (s *stalled) SetWriteDeadline(t time.Time) error { s.deadline = t; return nil }

func (s *stalled) Write([]byte) (int, error) {
	close(s.begun)
	if s.deadline.IsZero() {
		return 0, errors.New("a write without a deadline")
	}
	time.Sleep(time.Until(s.deadline))
	return 0, os.ErrDeadlineExceeded
}

func TestAClientThatDoesNotReadHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		h := newHandler(t, m)
		s := create(t, m, "a-session", "")
		appendTo(t, s, ring.Event{Data: []byte("x")})
		page := "/session.json?s=" + handleOf(h, s)
		for _, target := range []string{"/", "/sessions.json", page} {
			client := &stalled{header: http.Header{}, begun: make(chan struct{})}
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				h.ServeHTTP(client, httptest.NewRequest("GET", target, nil))
			}()
			<-client.begun
			began := time.Now()
			live, _ := watch(t, h, "/live")
			for _, other := range []string{"/", "/sessions.json", page} {
				equal(t, other, ask(h, "GET", other).Code, 200)
			}
			synctest.Wait()
			equal(t, "samples beside a client that is stalled on "+target, len(live.events()) > 0, true)
			equal(t, "time that the others took", time.Since(began), time.Duration(0))
			<-gone
			equal(t, "time until the stalled client is given up", time.Since(began), writeTimeout)
		}
	})
}

func TestCloseDoesNotWaitForAClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(t, newManager(t, shard.Config{}))
		client := &stalled{header: http.Header{}, begun: make(chan struct{})}
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			h.ServeHTTP(client, httptest.NewRequest("GET", "/sessions.json", nil))
		}()
		<-client.begun
		_, ended := watch(t, h, "/live")
		time.Sleep(1500 * time.Millisecond) // the feed goes through the sessions meanwhile
		began := time.Now()
		h.Close()
		<-ended
		equal(t, "time that Close took", time.Since(began), time.Duration(0))
		<-gone
	})
}

// What was found in the sessions is dropped whoever asked: a page with a feed, one without, curl.
func TestNoCensusIsKeptWhenNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		h := newHandler(t, m)
		create(t, m, "one", "")
		kept := func() bool {
			h.scan.Lock()
			defer h.scan.Unlock()
			return h.latest != nil
		}
		ask(h, "GET", "/sessions.json")
		equal(t, "a census is kept at once", kept(), true)
		time.Sleep(censusAge)
		synctest.Wait()
		equal(t, "a census is kept of a lone request", kept(), false)

		overview, done := watch(t, h, "/live")
		time.Sleep(time.Minute)
		ask(h, "GET", "/sessions.json")
		equal(t, "a census is kept while a page is open", kept(), true)
		overview.hangUp()
		<-done
		time.Sleep(overviewLinger + censusAge + feedPeriod)
		synctest.Wait()
		equal(t, "a census is kept of a page that is gone", kept(), false)
	})
}

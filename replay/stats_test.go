package replay

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// answered leaves out what was never given.
func answered(st HandlerStats) map[int]uint64 {
	maps.DeleteFunc(st.Answers, func(_ int, n uint64) bool { return n == 0 })
	return st.Answers
}

func TestStatsOfAFreshHandlerAreZero(t *testing.T) {
	st := new(Handler).Stats()
	equal(t, "statuses", slices.Sorted(maps.Keys(st.Answers)),
		[]int{204, 400, 403, 404, 405, 406, 409, 410, 429, 500, 503})
	answered(st)
	equal(t, "stats", st, HandlerStats{Answers: map[int]uint64{}})
}

func TestStatsCountStreamsEventsAndBytes(t *testing.T) {
	h := &Handler{Retry: -1}
	serving(t, h, func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
		st := h.Stats()
		equal(t, "open", st.Open, 1)
		equal(t, "streams", st.Streams, 1)
		equal(t, "resumed", st.Resumed, 0)
		begins := len(":\nid: " + s.PositionID(0) + "\n\n")
		equal(t, "bytes", st.Bytes, begins)
		first := add(t, s, "x")
		second := add(t, s, "y")
		synctest.Wait()
		st = h.Stats()
		equal(t, "events", st.Events, 2)
		equal(t, "bytes", st.Bytes, begins+len(AppendSSE(AppendSSE(nil, first), second)))
		p.hangUp()
		<-done
		equal(t, "open afterwards", h.Stats().Open, 0)
		a := get(t, h, request("GET", "s", "Last-Event-ID", first.ID).WithContext(p.ctx)) // ended before it begins
		equal(t, "status", a.Code, 200)
		st = h.Stats()
		equal(t, "streams", st.Streams, 2)
		equal(t, "resumed", st.Resumed, 1)
	})
}

func TestStatsCountEachEventOfABatchOnce(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxBytes: 64 << 20}})
	s := create(t, m, "s", "")
	for range 50 {
		add(t, s, strings.Repeat("x", 10_000))
	}
	s.Finish()
	h := &Handler{Store: Local(m)}
	w := &sink{header: http.Header{}}
	h.ServeHTTP(w, request("GET", "s"))
	st := h.Stats()
	equal(t, "events", st.Events, 50)
	equal(t, "bytes", st.Bytes, w.bytes)
	equal(t, "several writes", w.writes > 5, true)
	equal(t, "open", st.Open, 0)
}

func TestStatsCountAnswersByStatus(t *testing.T) {
	onEachStore(t, shard.Config{}, func(t *testing.T, m *shard.Manager, store Store) {
		create(t, m, "s", "")
		h := &Handler{Store: store, RetryOnError: true}
		for range 2 {
			get(t, h, request("POST", "s"))
		}
		get(t, h, request("GET", "unknown"))
		get(t, h, request("GET", "s", "Last-Event-ID", "unknown"))
		get(t, h, request("DELETE", "s"))
		h.Close()
		create(t, m, "other", "")
		get(t, h, request("GET", "other"))
		equal(t, "answers", answered(h.Stats()), map[int]uint64{204: 1, 404: 1, 405: 2, 410: 1, 503: 1})
		equal(t, "streams", h.Stats().Streams, 0)
	})
}

// Every status that the source names is counted.
func TestEveryStatusOfARefusalIsCounted(t *testing.T) {
	h := &Handler{}
	for _, err := range []error{
		shard.ErrNotFound, shard.ErrPrincipal, shard.ErrInvalidID, ring.ErrEvicted, ring.ErrUnknownID,
		shard.ErrFinished, errHandlerClosed,
		refuse(http.StatusBadRequest, ""), refuse(http.StatusForbidden, ""), refuse(http.StatusMethodNotAllowed, ""),
		refuse(http.StatusNotAcceptable, ""), refuse(http.StatusConflict, ""), shard.ErrAttachLimit,
		refuse(http.StatusInternalServerError, ""),
	} {
		before := h.Stats().Answers[refusalOf(err).status]
		h.answer(&sink{header: http.Header{}}, request("GET", "s"), err)
		equal(t, err.Error(), h.Stats().Answers[refusalOf(err).status], before+1)
	}
}

func TestStatsCountSlowClients(t *testing.T) {
	h := &Handler{WriteTimeout: 5 * time.Second}
	serving(t, h, func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
		p.mu.Lock()
		p.stall = true
		p.mu.Unlock()
		add(t, s, "never arrives")
		<-done
		st := h.Stats()
		equal(t, "slow", st.Slow, 1)
		equal(t, "events", st.Events, 0)
	})
}

func TestAClientThatLeavesIsNotSlow(t *testing.T) {
	h := &Handler{}
	serving(t, h, func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
		time.Sleep(time.Hour)
		p.hangUp()
		<-done
		equal(t, "slow", h.Stats().Slow, 0)
	})
}

func TestAStalledConnectionIsSlowOverEachProtocol(t *testing.T) {
	onEachProtocol(t, func(t *testing.T, http2 bool) {
		m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 1000, MaxBytes: 64 << 20}})
		s := create(t, m, "s", "")
		h := &Handler{Store: Local(m), WriteTimeout: time.Second}
		stall(t, serve(t, h, http2), http2)
		data := bytes.Repeat([]byte("x"), 100_000)
		for range 150 {
			must(s.Append(ring.Event{Data: data}))
		}
		testkit.Eventually(t, "the stream has been ended as slow",
			func() bool { return h.Stats().Slow == 1 && h.Stats().Open == 0 })
	})
}

func TestStatsCountGaps(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 2}})
	s := create(t, m, "s", "")
	lost := fill(t, s, 5)[0]
	s.Finish()
	h := &Handler{Store: Local(m), OnGap: GapFromOldest}
	get(t, h, request("GET", "s", "Last-Event-ID", lost.ID))
	st := h.Stats()
	equal(t, "gaps", st.Gaps, 1)
	equal(t, "events", st.Events, 2)
	equal(t, "resumed", st.Resumed, 0)
	equal(t, "overtaken", st.Overtaken, 0)
}

func TestStatsCountStreamsThatWereOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := must(shard.New(shard.Config{TTL: -1, Ring: ring.Config{MaxEvents: 2}}))
		defer m.Close()
		s := create(t, m, "s", "")
		h := &Handler{Store: Local(m), WriteTimeout: -1}
		p := newPipe(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(p, request("GET", "s").WithContext(p.ctx))
		}()
		synctest.Wait()
		p.mu.Lock()
		p.stall = true
		p.mu.Unlock()
		add(t, s, "written when the client reads on")
		synctest.Wait()
		fill(t, s, 5)
		p.resume()
		<-done
		st := h.Stats()
		equal(t, "overtaken", st.Overtaken, 1)
		equal(t, "events", st.Events, 1)
		equal(t, "open", st.Open, 0)
	})
}

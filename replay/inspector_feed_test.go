package replay

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// watch follows a feed until the test ends.
func watch(t *testing.T, in *Inspector, target string, header ...string) (p *pipe, done chan struct{}) {
	p, done = newPipe(t.Context()), make(chan struct{})
	r := httptest.NewRequestWithContext(p.ctx, "GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	go func() {
		defer close(done)
		in.ServeHTTP(p, r)
	}()
	t.Cleanup(func() {
		p.hangUp()
		<-done
	})
	return p, done
}

func TestTheOverviewIsLiveAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 2}})
		in := newInspector(t, m)
		first, gone := watch(t, in, "/live")
		time.Sleep(10*time.Second + 1)
		synctest.Wait()
		equal(t, "samples in ten seconds", first.events(), 11)
		one := create(t, m, "one", "")
		for id := range 3 {
			one.Append(ring.Event{ID: fmt.Sprint(id), Data: []byte("data")})
		}
		time.Sleep(time.Second)
		synctest.Wait()
		newest := first.parsed.events[11]
		var sample overviewSample
		if err := json.Unmarshal([]byte(newest.Data), &sample); err != nil || sample.Active != 1 || newest.Type != "sample" {
			t.Errorf("%+v, %v", newest, err)
		}
		equal(t, "bytes appended", sample.AppendedBytes, 3*(5+ring.Overhead))
		equal(t, "bytes evicted", sample.EvictedBytes, 5+ring.Overhead)
		first.hangUp()
		<-gone
		time.Sleep(5 * time.Second)
		again, _ := watch(t, in, "/live", "Last-Event-ID", newest.LastEventID)
		synctest.Wait()
		equal(t, "samples that it missed", again.events(), 5)
		late, _ := watch(t, in, "/live")
		synctest.Wait()
		equal(t, "samples for who comes late", late.events(), 17)
	})
}

func TestTheOverviewAddsUpTheHandlers(t *testing.T) {
	m := newManager(t, shard.Config{})
	a, b := &Handler{Store: Local(m)}, &Handler{Store: Local(m)}
	ask(a, "GET", "/?session=unknown")
	ask(b, "DELETE", "/?session=unknown")
	ask(b, "PATCH", "/")
	in := &Inspector{Manager: m, Handlers: []*Handler{a, b}}
	equal(t, "refused", in.served().Refused, 3)
	if (&Inspector{Manager: m}).served() != nil {
		t.Error("something was served by nobody")
	}
}

func TestAFeedEndsWhenNobodyWatchesAndWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		in := newInspector(t, m)
		s := create(t, m, "a-session", "")
		feeds := func() int { return in.own.Stats().Active }

		overview, _ := watch(t, in, "/live")
		session, over := watch(t, in, "/live?s="+handleOf(in, s))
		time.Sleep(time.Hour)
		synctest.Wait()
		equal(t, "feeds while they are watched", feeds(), 2)
		s.Terminate()
		<-over
		equal(t, "the last event of a session that ends", session.parsed.events[session.events()-1].Type, "end")
		equal(t, "feeds then", feeds(), 1)
		overview.hangUp()
		time.Sleep(overviewLinger + 2*time.Second)
		synctest.Wait()
		equal(t, "feeds that nobody watches", feeds(), 0)
		if in.latest != nil {
			t.Error("a census is kept for nobody")
		}
	})
}

func TestCloseEndsTheFeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInspector(t, newManager(t, shard.Config{}))
		_, done := watch(t, in, "/live")
		time.Sleep(time.Second)
		in.Close()
		<-done
		if w := ask(in, "GET", "/live"); w.Code != 503 {
			t.Errorf("after Close: %d", w.Code)
		}
		in.Close()
	})
}

package inspector

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestTheOverviewIsLiveAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 2}})
		h := newHandler(t, m)
		first, gone := watch(t, h, "/live")
		time.Sleep(10*time.Second + 1)
		synctest.Wait()
		equal(t, "samples in ten seconds", len(first.events()), 11)
		one := create(t, m, "one", "")
		for id := range 3 {
			appendTo(t, one, ring.Event{ID: fmt.Sprint(id), Data: []byte("data")})
		}
		time.Sleep(time.Second)
		synctest.Wait()
		newest := first.events()[11]
		var sample overviewSample
		err := json.Unmarshal([]byte(newest.data), &sample)
		if err != nil || sample.Active != 1 || newest.typ != "sample" {
			t.Errorf("%+v, %v", newest, err)
		}
		equal(t, "bytes appended", sample.AppendedBytes, 3*(5+ring.Overhead))
		equal(t, "bytes evicted", sample.EvictedBytes, 5+ring.Overhead)
		first.hangUp()
		<-gone
		time.Sleep(5 * time.Second)
		again, _ := watch(t, h, "/live", "Last-Event-ID", newest.id)
		synctest.Wait()
		equal(t, "samples that it missed", len(again.events()), 5)
		late, _ := watch(t, h, "/live")
		synctest.Wait()
		equal(t, "samples for who comes late", len(late.events()), 17)
	})
}

func TestTheOverviewAddsUpTheHandlers(t *testing.T) {
	m := newManager(t, shard.Config{})
	a, b := &replay.Handler{Store: replay.Local(m)}, &replay.Handler{Store: replay.Local(m)}
	ask(a, "GET", "/?session=unknown")
	ask(b, "DELETE", "/?session=unknown")
	ask(b, "PATCH", "/")
	h := &Handler{Manager: m, Handlers: []*replay.Handler{a, b}}
	equal(t, "refused", h.served().Refused, 3)
	if (&Handler{Manager: m}).served() != nil {
		t.Error("something was served by nobody")
	}
}

func TestAFeedEndsWhenNobodyWatchesAndWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		h := newHandler(t, m)
		s := create(t, m, "a-session", "")
		feeds := func() int { return h.own.Stats().Active }

		overview, _ := watch(t, h, "/live")
		session, over := watch(t, h, "/live?s="+handleOf(h, s))
		time.Sleep(time.Hour)
		synctest.Wait()
		equal(t, "feeds while they are watched", feeds(), 2)
		s.Terminate()
		<-over
		all := session.events()
		equal(t, "the last event of a session that ends", all[len(all)-1].typ, "end")
		equal(t, "feeds then", feeds(), 1)
		overview.hangUp()
		time.Sleep(overviewLinger + 2*time.Second)
		synctest.Wait()
		equal(t, "feeds that nobody watches", feeds(), 0)
	})
}

func TestCloseEndsTheFeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(t, newManager(t, shard.Config{}))
		_, done := watch(t, h, "/live")
		time.Sleep(time.Second)
		h.Close()
		<-done
		if w := ask(h, "GET", "/live"); w.Code != 503 {
			t.Errorf("after Close: %d", w.Code)
		}
		h.Close()
	})
}

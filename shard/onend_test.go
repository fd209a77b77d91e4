package shard_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestOnEndGetsTheFinalInfo(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var ends endLog
		m := newManager(t, shard.Config{TTL: time.Minute, OnEnd: ends.add, Ring: ring.Config{MaxEvents: 2}})
		ways := map[string]struct {
			do     func(*shard.Session)
			status shard.Status
		}{
			"terminated": {func(s *shard.Session) { s.Terminate() }, shard.Terminated},
			"expired":    {func(s *shard.Session) { time.Sleep(time.Minute + tick) }, shard.Expired},
			"expired, found out": {func(s *shard.Session) { time.Sleep(time.Minute + tick); s.Touch() },
				shard.Expired},
			"finished": {func(s *shard.Session) { s.Finish(); time.Sleep(time.Minute + tick) },
				shard.Finished},
			"finished, then ended": {func(s *shard.Session) { s.Finish(); s.Terminate() }, shard.Terminated},
		}
		for name, way := range ways {
			s, err := m.Create(shard.Metadata{Principal: name, ClientInfo: map[string]any{"a": 1}})
			if err != nil {
				t.Fatal(err)
			}
			created := time.Now()
			time.Sleep(time.Second)
			store(t, s, "a", "b", "c")
			last := time.Now()
			way.do(s)
			synctest.Wait()
			infos := ends.of(s.ID())
			if len(infos) != 1 {
				t.Errorf("%s: OnEnd was called %d times", name, len(infos))
				continue
			}
			i := infos[0]
			if i.Status != way.status || i.Principal != name || i.ClientInfo["a"] != 1 || !i.Created.Equal(created) ||
				!i.LastActivity.Equal(last) {
				t.Errorf("%s: %+v", name, i)
			}
			if i.Log.Events != 2 || i.Log.First != 2 || i.Log.Last != 3 || i.Log.Evicted != 1 || i.Log.Bytes == 0 {
				t.Errorf("%s: the log was %+v", name, i.Log)
			}
		}
	})
}

func TestOnEndIsCalledOnceHoweverManyEndTheSession(t *testing.T) {
	var calls sync.Map
	var n atomic.Int64
	m := newManager(t, shard.Config{
		MaxSessions: -1, TTL: 20 * time.Millisecond, Tick: time.Millisecond, Linger: time.Millisecond,
		OnEnd: func(i shard.Info) {
			n.Add(1)
			if _, again := calls.LoadOrStore(i.ID, true); again {
				t.Errorf("OnEnd was called twice for %s", i.ID)
			}
		},
	})
	const sessions = 5000 / slow
	all := make([]*shard.Session, sessions)
	for i := range all {
		all[i] = create(t, m, fmt.Sprint(i))
	}
	together(6, func(g int) {
		if g == 5 {
			m.Close()
			return
		}
		for i := range all {
			switch (i + g) % 5 {
			case 0, 1:
				all[i].Terminate()
			case 2:
				m.Terminate(all[i].ID())
			case 3:
				all[i].Finish()
			case 4:
				all[i].Touch()
			}
		}
	})
	if st := m.Stats(); n.Load() != sessions || st.Created != sessions || st.Active != 0 {
		t.Errorf("%d calls for %d sessions, %+v", n.Load(), sessions, st)
	}
}

func TestOnEndMayCallAnything(t *testing.T) {
	var m *shard.Manager
	ended := make(chan string, 10)
	again := true
	m = newManager(t, shard.Config{MaxSessions: 1, OnEnd: func(i shard.Info) {
		if info, err := m.Info(i.ID); err != nil || info.Status != shard.Terminated || info.Log.Events != 0 {
			t.Errorf("Info: %+v, %v", info, err)
		}
		m.Terminate(i.ID)
		if again {
			again = false
			s, err := m.CreateWithID("second", shard.Metadata{})
			if err != nil {
				t.Errorf("the place of the session that has ended: %v", err)
			}
			s.Terminate()
			if !closed(s.Done()) {
				t.Error("not done")
			}
		}
		m.Stats()
		for range m.Sessions() {
		}
		ended <- i.ID
	}})
	create(t, m, "first").Terminate()
	if a, b := <-ended, <-ended; a != "first" || b != "second" {
		t.Errorf("OnEnd was called for %s and %s", a, b)
	}
}

func TestOnEndFindsTheSessionDone(t *testing.T) {
	done := make(chan bool, 1)
	var s *shard.Session
	m := newManager(t, shard.Config{OnEnd: func(shard.Info) { done <- closed(s.Done()) }})
	for range 1000 / slow {
		s, _ = m.Create(shard.Metadata{})
		s.Terminate()
		if !<-done {
			t.Fatal("OnEnd was called before Done was closed")
		}
	}
}

func TestOnEndMayCallClose(t *testing.T) {
	var m *shard.Manager
	var calls atomic.Int64
	returned := make(chan bool, 10)
	m = newManager(t, shard.Config{OnEnd: func(shard.Info) {
		calls.Add(1)
		m.Close()
		returned <- true
	}})
	for i := range 5 {
		create(t, m, fmt.Sprint(i))
	}
	m.Terminate("3")
	for range 5 {
		<-returned
	}
	m.Close()
	if n := calls.Load(); n != 5 {
		t.Errorf("%d calls for 5 sessions", n)
	}
}

// Two managers that close each other from OnEnd would wait for one another.
func TestManagersMayCloseEachOtherFromOnEnd(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var a, b *shard.Manager
		a = newManager(t, shard.Config{OnEnd: func(shard.Info) { b.Close() }})
		b = newManager(t, shard.Config{OnEnd: func(shard.Info) { a.Close() }})
		create(t, a, "a").Terminate()
		create(t, b, "b").Terminate()
		synctest.Wait()
		for _, m := range []*shard.Manager{a, b} {
			if _, err := m.Get("x"); err != shard.ErrClosed {
				t.Errorf("not closed: %v", err)
			}
		}
	})
}

func TestCloseFromElsewhereWaitsForAnOnEndThatCloses(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var m *shard.Manager
		release, begun := make(chan bool), make(chan bool)
		m = newManager(t, shard.Config{OnEnd: func(shard.Info) { m.Close(); close(begun); <-release }})
		create(t, m, "a").Terminate()
		<-begun
		returned := make(chan struct{})
		go func() { m.Close(); close(returned) }()
		synctest.Wait()
		if closed(returned) {
			t.Error("Close returned while OnEnd was running")
		}
		close(release)
		<-returned
	})
}

func TestSlowOnEndHoldsUpNothingButCloseAndItself(t *testing.T) {
	inTime(t, func(t *testing.T) {
		release := make(chan bool)
		var calls atomic.Int64
		m := newManager(t, shard.Config{TTL: time.Minute, OnEnd: func(shard.Info) { <-release; calls.Add(1) }})
		for i := range 10 {
			create(t, m, fmt.Sprint(i))
		}
		m.Terminate("0")
		sleep(time.Minute + tick)
		if st := m.Stats(); st.Expired != 9 || st.Active != 0 {
			t.Errorf("%+v", st)
		}
		create(t, m, "another").Terminate()
		closing := make(chan struct{})
		go func() { m.Close(); close(closing) }()
		synctest.Wait()
		if closed(closing) {
			t.Error("Close did not wait for OnEnd")
		}
		close(release)
		<-closing
		if n := calls.Load(); n != 11 {
			t.Errorf("%d calls for 11 sessions", n)
		}
	})
}

// A test that fails inside OnEnd leaves it that way.
func TestGoexitInOnEndLosesNoOtherCall(t *testing.T) {
	var calls atomic.Int64
	m := newManager(t, shard.Config{OnEnd: func(shard.Info) {
		calls.Add(1)
		runtime.Goexit()
	}})
	for range 100 {
		s, _ := m.Create(shard.Metadata{})
		s.Terminate()
	}
	m.Close()
	if n := calls.Load(); n != 100 {
		t.Errorf("%d calls for 100 sessions", n)
	}
}

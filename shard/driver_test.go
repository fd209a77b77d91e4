package shard_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestDriverEndsAnIdleSessionWithinATickThoughNobodyCalls(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var ends endLog
		m := newManager(t, shard.Config{TTL: time.Minute, Linger: time.Minute, OnEnd: ends.add})
		s := create(t, m, "id")
		store(t, s, "a")
		sleep(time.Minute)
		if closed(s.Done()) {
			t.Fatal("gone at its TTL")
		}
		sleep(tick)
		if st := m.Stats(); !closed(s.Done()) || st.Expired != 1 || st.Events != 0 {
			t.Errorf("a tick later: %+v", st)
		}
		if infos := ends.of("id"); len(infos) != 1 || infos[0].Status != shard.Expired || infos[0].Log.Events != 1 {
			t.Errorf("OnEnd got %+v", infos)
		}
		sleep(time.Minute)
		if st := m.Stats(); st.Total != 0 {
			t.Errorf("after Linger: %+v", st)
		}
	})
}

func TestSleepingDriverIsWokenForASessionThatExpiresEarlier(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Hour})
		create(t, m, "long")
		sleep(time.Minute) // until the driver sleeps for the rest of the hour
		s, err := m.CreateWith(shard.Options{ID: "short", TTL: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		sleep(2 * time.Second)
		if !closed(s.Done()) {
			t.Error("it has not ended a second after its time")
		}
	})
}

func TestTouchedSessionIsVisitedAtMostOncePerTTL(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Minute})
		s := create(t, m, "id")
		sleep(time.Second)
		before := shardaccess.Visits(m)
		for range 10 * 60 * 20 {
			sleep(50 * time.Millisecond)
			s.Touch()
		}
		if n := shardaccess.Visits(m) - before; n < 9 || n > 10 {
			t.Errorf("%d visits in ten TTLs", n)
		}
	})
}

func TestIdleManagerSleeps(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Hour, Linger: time.Second})
		sleep(time.Second)
		if at := shard.Alarm(m); at != 0 {
			t.Errorf("with no session, the driver wakes in %v", at)
		}
		s := create(t, m, "id")
		sleep(time.Second)
		if at := shard.Alarm(m); at < time.Minute {
			t.Errorf("with a session that lives for an hour, the driver wakes in %v", at)
		}
		s.Terminate()
		sleep(2 * time.Second)
		if at := shard.Alarm(m); at != 0 {
			t.Errorf("when the session is forgotten, the driver wakes in %v", at)
		}
	})
}

// A hundred thousand sessions expire together. From TTL and Tick on every call refuses them,
// however busy the machine is; the driver is normally through a few tenths of a second later, which
// is for bench/ to measure.
func TestManySessionsExpireTogetherWhileOthersAppend(t *testing.T) {
	const idle, busy, ttl = 100_000 / slow, 4, 2 * time.Second
	var ended atomic.Int64
	m := newManager(t, shard.Config{
		MaxSessions: -1, TTL: ttl, Linger: -1,
		OnEnd: func(i shard.Info) {
			if i.Status == shard.Expired {
				ended.Add(1)
			}
		},
	})
	// A reader keeps each session until all are there, which may take longer than a TTL.
	sessions, detach := make([]*shard.Session, idle), make([]func(), idle)
	for i := range sessions {
		sessions[i] = create(t, m, fmt.Sprint(i))
		var err error
		if detach[i], err = sessions[i].Attach(); err != nil {
			t.Fatal(err)
		}
	}
	for _, detach := range detach {
		detach()
	}
	last := time.Now()

	var appenders sync.WaitGroup
	stop := make(chan struct{})
	for range busy {
		s, err := m.CreateWith(shard.Options{TTL: -1})
		if err != nil {
			t.Fatal(err)
		}
		appenders.Go(func() {
			for !closed(stop) {
				if _, err := s.Append(ring.Event{Data: []byte("x")}); err != nil {
					t.Errorf("Append to a session that never expires: %v", err)
					return
				}
			}
		})
	}
	time.Sleep(time.Until(last.Add(ttl + tick)))
	for i := 0; i < idle; i += 997 {
		wantErr(t, "Touch", sessions[i].Touch(), shard.ErrNotFound)
	}
	testkit.Eventually(t, "every session has expired and OnEnd was called for it", func() bool {
		return m.Stats().Expired == idle && ended.Load() == idle
	})
	t.Logf("all were gone %v after TTL and Tick", time.Since(last)-ttl-tick)
	close(stop)
	appenders.Wait()
	if st := m.Stats(); st.Active != busy || st.Total != busy {
		t.Errorf("%+v", st)
	}
}

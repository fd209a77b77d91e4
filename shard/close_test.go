package shard_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestCloseEndsEverySessionAndLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var ends endLog
	m, err := shard.New(shard.Config{OnEnd: ends.add})
	if err != nil {
		t.Fatal(err)
	}
	var sessions []*shard.Session
	waiting := make(chan error)
	for i := range 100 {
		s := create(t, m, fmt.Sprint(i))
		store(t, s, "a")
		sessions = append(sessions, s)
		go func() {
			detach, err := s.Attach()
			if err == nil {
				err = s.Wait(t.Context(), 1)
				detach()
			}
			waiting <- err
		}()
	}
	sessions[0].Finish()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	for i, s := range sessions {
		if !closed(s.Done()) || s.Info().Status != shard.Terminated {
			t.Errorf("session %d has not ended", i)
		}
		if infos := ends.of(s.ID()); len(infos) != 1 || infos[0].Log.Events != 1 {
			t.Errorf("OnEnd got %+v for session %d", infos, i)
		}
		wantErr(t, "Append", s.Touch(), shard.ErrNotFound)
	}
	for range sessions {
		if err := <-waiting; !errors.Is(err, shard.ErrNotFound) && !errors.Is(err, shard.ErrFinished) {
			t.Errorf("a waiter got %v", err)
		}
	}
	m.Close()
	if st := m.Stats(); st.Total != 0 || st.Active != 0 || st.Events != 0 || st.Memory != 0 || st.Attached != 0 ||
		st.Terminated != 100 {
		t.Errorf("%+v", st)
	}
}

func TestAfterCloseManagerCallsReturnErrClosed(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "id")
	m.Close()
	_, err := m.Create(shard.Metadata{})
	wantErr(t, "Create", err, shard.ErrClosed)
	_, err = m.CreateWithID("x", shard.Metadata{})
	wantErr(t, "CreateWithID", err, shard.ErrClosed)
	_, err = m.CreateWith(shard.Options{})
	wantErr(t, "CreateWith", err, shard.ErrClosed)
	_, err = m.Get("id")
	wantErr(t, "Get", err, shard.ErrClosed)
	_, err = m.Authorize("id", "")
	wantErr(t, "Authorize", err, shard.ErrClosed)
	_, err = m.Info("id")
	wantErr(t, "Info", err, shard.ErrClosed)
	wantErr(t, "Terminate", m.Terminate("id"), shard.ErrClosed)
	for range m.Sessions() {
		t.Error("Sessions yields one")
	}
	_, err = s.Append(ring.Event{})
	wantErr(t, "Append", err, shard.ErrNotFound)
	s.Terminate()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseAgainstCreateLeavesNoSession(t *testing.T) {
	for range 200 / slow {
		var ended, created atomic.Int64
		m, err := shard.New(shard.Config{MaxSessions: -1, Linger: -1, OnEnd: func(shard.Info) { ended.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		together(5, func(g int) {
			if g == 0 {
				m.Close()
				if c, e := created.Load(), ended.Load(); c > e {
					t.Errorf("Close returned with %d created and %d ended", c, e)
				}
				return
			}
			for {
				s, err := m.Create(shard.Metadata{})
				if err != nil {
					wantErr(t, "Create", err, shard.ErrClosed)
					return
				}
				created.Add(1)
				if g == 1 {
					s.Terminate()
				}
			}
		})
		if c, e := created.Load(), ended.Load(); c != e || m.Stats().Active != 0 || m.Stats().Total != 0 {
			t.Errorf("%d created, %d ended: %+v", c, e, m.Stats())
		}
	}
}

func TestCloseOfAManagerThatWasNeverUsed(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	m, err := shard.New(shard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	together(4, func(int) { m.Close() })
}

func TestEndedSessionsLeaveTheWheelWithinLingerAndTick(t *testing.T) {
	for _, linger := range []time.Duration{-1, time.Second, time.Minute} {
		inTime(t, func(t *testing.T) {
			m := newManager(t, shard.Config{Linger: linger, TTL: time.Hour})
			for i := range 1000 {
				s := create(t, m, fmt.Sprint(i))
				if i%2 == 0 {
					s.Finish()
				}
				s.Terminate()
			}
			sleep(max(0, linger) + tick)
			if st := m.Stats(); st.Total != 0 || shard.Timers(m) != 0 || shard.Waiting(m) != 0 {
				t.Errorf("Linger %v: %d sessions, %d timers, %d in the intake are left", linger, st.Total,
					shard.Timers(m), shard.Waiting(m))
			}
		})
	}
}

func TestSessionThatNeverStoredAnEventLeavesNoMemory(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	for i := range 100 {
		create(t, m, fmt.Sprint(i)).Terminate()
	}
	if n := m.Stats().Memory; n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

package shard_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const tick = 100 * time.Millisecond

// activities are all ways to use a session that keep it alive.
var activities = map[string]func(*shard.Manager, *shard.Session) error{
	"Append":    func(_ *shard.Manager, s *shard.Session) error { _, err := s.Append(ring.Event{}); return err },
	"Touch":     func(_ *shard.Manager, s *shard.Session) error { return s.Touch() },
	"Authorize": func(m *shard.Manager, s *shard.Session) error { _, err := m.Authorize(s.ID(), ""); return err },
	"Update": func(_ *shard.Manager, s *shard.Session) error {
		return s.Update(func(md *shard.Metadata) { md.Transport = "x" })
	},
	"the last detach": func(_ *shard.Manager, s *shard.Session) error {
		detach, err := s.Attach()
		if err == nil {
			detach()
		}
		return err
	},
}

func TestIdleSessionLivesForItsTTLAndIsRefusedATickLater(t *testing.T) {
	for _, ttl := range []time.Duration{time.Millisecond, time.Second, 19 * time.Second, 20 * time.Second,
		21 * time.Second, time.Hour, 365 * 24 * time.Hour} {
		for _, since := range []string{"creation", "Append", "Touch", "Authorize", "Update", "the last detach"} {
			t.Run(fmt.Sprintf("%v after %s", ttl, since), func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					m := newManager(t, shard.Config{TTL: ttl, Linger: 10 * time.Minute})
					s := create(t, m, "id")
					if do := activities[since]; do != nil {
						time.Sleep(ttl)
						if err := do(m, s); err != nil {
							t.Fatalf("refused at its TTL: %v", err)
						}
					}
					last := time.Now()
					time.Sleep(ttl)
					if _, err := m.Get("id"); err != nil {
						t.Fatalf("gone at its TTL: %v", err)
					}
					if info, err := m.Info("id"); err != nil || info.Status != shard.Active ||
						!info.LastActivity.Equal(last) {
						t.Fatalf("%+v, %v; last activity was %v", info, err, last)
					}
					time.Sleep(tick) // without Wait: the driver may not have been there
					wantRefused(t, m, s)
					if info, err := m.Info("id"); err != nil || info.Status != shard.Expired ||
						!info.LastActivity.Equal(last) {
						t.Fatalf("%+v, %v", info, err)
					}
					synctest.Wait()
					if st := m.Stats(); st.Expired != 1 || st.Active != 0 || st.Events != 0 || !closed(s.Done()) {
						t.Errorf("%+v", st)
					}
				})
			})
		}
	}
}

func TestActivityHoldsExpiryOffForAsLongAsItGoesOn(t *testing.T) {
	for _, ttl := range []time.Duration{time.Second, time.Hour} {
		inTime(t, func(t *testing.T) {
			m := newManager(t, shard.Config{TTL: ttl})
			s := create(t, m, "id")
			for range 20 {
				for what, do := range activities {
					sleep(ttl)
					if err := do(m, s); err != nil {
						t.Fatalf("TTL %v: %s: %v", ttl, what, err)
					}
				}
			}
			sleep(ttl + tick)
			wantRefused(t, m, s)
		})
	}
}

func TestGetInfoSeekAndWaitAreNoActivity(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Minute})
		s := create(t, m, "id")
		store(t, s, "a")
		for range 60 {
			sleep(time.Second)
			m.Get("id")
			m.Info("id")
			s.Seek("")
			s.Tail()
			s.Wait(t.Context(), 0)
			s.Info()
			s.Err()
			s.SetValue(1)
		}
		sleep(tick)
		wantRefused(t, m, s)
	})
}

func TestAttachedStreamHoldsExpiryOff(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Minute})
		s := create(t, m, "id")
		first, _ := s.Attach()
		second, _ := s.Attach()
		sleep(10 * time.Hour)
		first()
		first()
		if info := s.Info(); info.Attached != 1 || m.Stats().Attached != 1 {
			t.Errorf("%+v: a detach counted twice", info)
		}
		sleep(10 * time.Hour)
		if _, err := m.Get("id"); err != nil {
			t.Fatalf("gone with a stream attached: %v", err)
		}
		second()
		sleep(time.Minute)
		if _, err := m.Get("id"); err != nil {
			t.Fatalf("gone before its TTL from the last detach: %v", err)
		}
		sleep(tick)
		wantRefused(t, m, s)
		if st := m.Stats(); st.Attached != 0 || st.Expired != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestNegativeTTLNeverExpires(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: -1})
		s := create(t, m, "id")
		mortal, err := m.CreateWith(shard.Options{TTL: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		immortal, err := m.CreateWith(shard.Options{TTL: 1<<63 - 1})
		if err != nil {
			t.Fatal(err)
		}
		sleep(50 * 365 * 24 * time.Hour)
		for _, s := range []*shard.Session{s, immortal} {
			if _, err := s.Append(ring.Event{}); err != nil {
				t.Errorf("after fifty years: %v", err)
			}
		}
		wantRefused(t, m, mortal)
	})
}

func TestOptionsTTLReplacesTheConfigs(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Hour})
		short, _ := m.CreateWith(shard.Options{ID: "short", TTL: time.Second})
		long, _ := m.CreateWith(shard.Options{ID: "long", TTL: 2 * time.Hour})
		never, _ := m.CreateWith(shard.Options{ID: "never", TTL: -1})
		usual := create(t, m, "usual")
		for _, c := range []struct {
			after time.Duration
			gone  *shard.Session
			alive []*shard.Session
		}{
			{time.Second + tick, short, []*shard.Session{usual, long, never}},
			{time.Hour, usual, []*shard.Session{long, never}},
			{time.Hour, long, []*shard.Session{never}},
		} {
			sleep(c.after)
			wantRefused(t, m, c.gone)
			for _, s := range c.alive {
				if _, err := m.Get(s.ID()); err != nil {
					t.Errorf("%s: %v", s.ID(), err)
				}
			}
		}
	})
}

func TestExpiredSessionFreesItsPlaceAndAfterLingerItsID(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Minute, Linger: time.Minute, MaxSessions: 1})
		create(t, m, "id")
		sleep(time.Minute + tick)
		other := create(t, m, "other")
		other.Terminate()
		_, err := m.CreateWithID("id", shard.Metadata{})
		wantErr(t, "Create", err, shard.ErrExists)
		sleep(time.Minute)
		create(t, m, "id")
	})
}

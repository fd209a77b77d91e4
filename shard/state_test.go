package shard

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// newTimed returns a manager on the fake clock of the bubble that the test runs in, and a session
// of it.
func newTimed(t *testing.T, cfg Config) (*Manager, *Session) {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	s, err := m.Create(Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func TestWordHoldsPhaseAndActivity(t *testing.T) {
	for p := active; p <= expired; p++ {
		for _, at := range []int64{-activityBias, -1, 0, 1, 1e18, 1<<61 - 1 - activityBias} {
			st := newState(p, at)
			if st.phase() != p || st.activity() != at || st.in(expired).activity() != at || st.at(7).phase() != p {
				t.Errorf("phase %d, activity %d come back as %d, %d", p, at, st.phase(), st.activity())
			}
			if st.isEnded() != (p >= drained) {
				t.Errorf("phase %d: ended is %v", p, st.isEnded())
			}
		}
	}
}

func TestCoarseClockDecidesOnlyWithHalfOfALongTTLLeftWhateverTheTick(t *testing.T) {
	for _, tick := range []time.Duration{coarseTick, 100 * time.Millisecond, time.Second, 5 * time.Second,
		time.Minute} {
		grace := int64(tick - tick/4)
		for _, ttl := range []time.Duration{1, time.Second, coarseTTL - 1} {
			if got := coarseUntil(idleLimitOf(int64(ttl), grace), exactBelow(tick, grace)); got != -never {
				t.Errorf("Tick %v, TTL %v: the coarse clock decides for %v", tick, ttl, time.Duration(got))
			}
		}
		for _, ttl := range []time.Duration{coarseTTL, time.Hour, never} {
			limit := idleLimitOf(int64(ttl), grace)
			if got := coarseUntil(limit, exactBelow(tick, grace)); got != limit/2 {
				t.Errorf("Tick %v, TTL %v: the coarse clock decides for %v", tick, ttl, time.Duration(got))
			}
		}
	}
}

func TestAShortTickLeavesNoRoomForTheCoarseClock(t *testing.T) {
	for _, tick := range []time.Duration{time.Millisecond, 10 * time.Millisecond, coarseTick - 1} {
		grace := int64(tick - tick/4)
		if got := coarseUntil(idleLimitOf(int64(time.Hour), grace), exactBelow(tick, grace)); got != -never {
			t.Errorf("Tick %v: the coarse clock decides for %v", tick, time.Duration(got))
		}
		if got := coarseUntil(idleLimitOf(never, grace), exactBelow(tick, grace)); got <= 0 {
			t.Errorf("Tick %v: a session that never expires needs exact readings", tick)
		}
	}
}

// Each of these happens between an expirer's look at the state and its swap.
func TestExpirerThatWasOvertakenChangesNothing(t *testing.T) {
	for name, meanwhile := range map[string]func(s *Session){
		"Touch":             func(s *Session) { s.Touch() },
		"Append":            func(s *Session) { s.Append(ring.Event{}) },
		"Attach":            func(s *Session) { s.Attach() },
		"Attach and detach": func(s *Session) { detach, _ := s.Attach(); detach() },
		"Finish":            func(s *Session) { s.Finish() },
		"Terminate":         func(s *Session) { s.Terminate() },
	} {
		synctest.Test(t, func(t *testing.T) {
			m, s := newTimed(t, Config{TTL: time.Minute})
			time.Sleep(time.Minute)
			st := state(s.state.Load())
			meanwhile(s)
			if s.end(st, expired) {
				t.Errorf("%s: expired in spite of it", name)
			}
			if st := m.Stats(); st.Expired != 0 {
				t.Errorf("%s: %+v", name, st)
			}
		})
	}
}

func TestActivityNeverMovesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := newTimed(t, Config{})
		ahead := newState(active, s.home.clock.Exact()+int64(time.Second))
		s.state.Store(uint64(ahead))
		s.Touch()
		s.Append(ring.Event{})
		if detach, err := s.Attach(); err == nil {
			detach()
		}
		if state(s.state.Load()) != ahead {
			t.Error("an earlier reading replaced a later one")
		}
	})
}

// A goroutine that ends a session may be held up at any point. Whoever is told meanwhile that the
// session is not there can rely on it.
func TestReportOfTheEndIsTrueThoughTheEnderIsHeldUp(t *testing.T) {
	for _, p := range []phase{finished, terminated, expired} {
		for name, report := range map[string]func(*Manager, *Session) error{
			"Get":    func(m *Manager, s *Session) error { _, err := m.Get(s.ID()); return err },
			"Err":    func(_ *Manager, s *Session) error { return s.Err() },
			"Append": func(_ *Manager, s *Session) error { _, err := s.Append(ring.Event{}); return err },
		} {
			synctest.Test(t, func(t *testing.T) {
				m, s := newTimed(t, Config{})
				st := state(s.state.Load())
				log := &s.log // an Append that has passed the check holds this
				s.state.Store(uint64(st.in(p)))
				if report(m, s) != nil {
					if _, err := log.Append(ring.Event{}); !errors.Is(err, ring.ErrClosed) {
						t.Errorf("phase %d: an append succeeds after %s has reported the end: %v", p, name, err)
					}
				} else if name != "Get" || p != finished {
					t.Errorf("phase %d: %s reports nothing", p, name)
				}
				s.state.Store(uint64(st)) // so that Close finds it
			})
		}
	}
}

func TestTerminateWaitsForWhoeverIsEndingTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := newTimed(t, Config{})
		st := state(s.state.Load())
		s.state.Store(uint64(st.in(terminated)))
		returned := make(chan struct{})
		go func() { s.Terminate(); close(returned) }()
		synctest.Wait()
		select {
		case <-returned:
			t.Error("it did not")
		default:
		}
		s.state.Store(uint64(st))
		s.end(st, terminated)
		<-returned
	})
}

func TestLogThatHasUsedUpItsNumbersFinishesTheSession(t *testing.T) {
	_, s := newTimed(t, Config{})
	s.Append(ring.Event{})
	s.log.Close() // as it does by itself after 2^40 events
	if _, err := s.Append(ring.Event{}); !errors.Is(err, ErrFinished) {
		t.Errorf("Append: %v", err)
	}
	if info := s.Info(); info.Status != Finished || info.Log.Events != 1 {
		t.Errorf("%+v", info)
	}
	if err := s.Wait(t.Context(), 1); !errors.Is(err, ErrFinished) {
		t.Errorf("Wait: %v", err)
	}
}

package shard_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func appendMany(t testing.TB, s *shard.Session, n int) {
	t.Helper()
	for range n {
		if _, err := s.Append(ring.Event{Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingIsSampledBeforeSomebodyAsks(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s")
	appendMany(t, s, 10_000)
	l := m.Latencies()
	if l.Append.Count() != 0 || l.WakeUp.Count() != 0 {
		t.Errorf("%d appends, %d wake-ups", l.Append.Count(), l.WakeUp.Count())
	}
	if len(l.Append.Bounds) == 0 || len(l.WakeUp.Counts) != len(l.WakeUp.Bounds)+1 {
		t.Error("an empty histogram has no buckets")
	}
}

func TestOneAppendInThirtyTwoIsTimed(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s")
	m.Latencies()
	const n = 96_000
	appendMany(t, s, n)
	h := m.Latencies().Append
	if got := h.Count(); got < n/32*9/10 || got > n/32*11/10 { // five standard deviations
		t.Errorf("%d of %d appends were timed", got, n)
	}
	if q := h.Quantile(0.5); q < 10 || q > time.Millisecond {
		t.Errorf("half of the appends take up to %v", q)
	}
}

func TestRefusedAppendsAreNotTimed(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s")
	m.Latencies()
	s.Append(ring.Event{ID: "a"})
	timed := m.Latencies().Append.Count()
	for range 1000 {
		s.Append(ring.Event{ID: "a"})
	}
	if got := m.Latencies().Append.Count(); got != timed {
		t.Errorf("%d refused appends were timed", got-timed)
	}
}

func TestWakeUpsAreTimed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		s := create(t, m, "s")
		m.Latencies()
		var wg sync.WaitGroup
		const events = 2000
		wg.Go(func() {
			for seq := range uint64(events) {
				if err := s.Wait(t.Context(), seq); err != nil {
					t.Error(err)
				}
			}
		})
		for range events {
			synctest.Wait()
			store(t, s, "x")
		}
		wg.Wait()
		h := m.Latencies().WakeUp
		if got := h.Count(); got < events/4*3/4 || got > events/4*5/4 {
			t.Errorf("%d of %d wake-ups were timed", got, events)
		}
		if h.Sum != 0 { // in fake time
			t.Errorf("they took %v", h.Sum)
		}
	})
}

func TestSamplingEndsWhenNobodyAsksAnyMore(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: -1})
		s := create(t, m, "s")
		m.Latencies()
		sleep(shard.LatencyWindow - time.Second)
		appendMany(t, s, 1000)
		if m.Latencies().Append.Count() == 0 { // this asks
			t.Error("nothing was timed within the window")
		}
		sleep(shard.LatencyWindow - time.Second)
		appendMany(t, s, 1000)
		if !shard.Sampling(m) {
			t.Error("sampling has ended within the window")
		}
		sleep(2 * time.Second)
		appendMany(t, s, 1000)
		if shard.Sampling(m) {
			t.Error("sampling goes on after the window")
		}
		before := m.Latencies().Append.Count() // begins again
		appendMany(t, s, 1000)
		if after := m.Latencies().Append.Count(); after == before {
			t.Error("sampling has not begun again")
		}
	})
}

func TestAskingWhileSamplingEnds(t *testing.T) {
	m := newManager(t, shard.Config{})
	m.Latencies()
	shard.LapseSampling(m)
	together(8, func(i int) {
		s := create(t, m, string(rune('a'+i)))
		for range 50 {
			appendMany(t, s, 200)
			if i == 0 {
				m.Latencies()
			}
		}
	})
	m.Latencies()
	if !shard.Sampling(m) {
		t.Error("nobody samples though somebody has just asked")
	}
}

func TestLatenciesOfSessionsThatAreUsedConcurrently(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s")
	m.Latencies()
	together(4, func(i int) {
		if i == 0 {
			for range 100 {
				m.Latencies()
			}
			return
		}
		appendMany(t, s, 2000)
	})
	if h := m.Latencies().Append; h.Count() == 0 || h.Sum <= 0 {
		t.Errorf("%+v", h)
	}
}

func TestASessionThatFinishedAndIsGoneIsCounted(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Linger: time.Second})
		create(t, m, "a").Finish()
		create(t, m, "b").Finish()
		create(t, m, "c").Finish()
		m.Terminate("c")
		if st := m.Stats(); st.Finished != 0 || st.Active != 2 {
			t.Errorf("while they linger: %+v", st)
		}
		sleep(2 * time.Second)
		if st := m.Stats(); st.Finished != 2 || st.Terminated != 1 || st.Created != 3 || st.Active != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestConfigHasItsDefaultsFilledIn(t *testing.T) {
	cfg := newManager(t, shard.Config{MaxBytes: -1, Ring: ring.Config{MaxEvents: 7}}).Config()
	if cfg.MaxSessions != 10_000 || cfg.MaxBytes != -1 || cfg.TTL != time.Hour || cfg.Ring.MaxEvents != 7 ||
		cfg.Ring.MaxBytes != 8<<20 {
		t.Errorf("%+v", cfg)
	}
}

// What asking for latencies costs an append: off is as before the first call, on as after it.
func BenchmarkAppendSampled(b *testing.B) {
	data := make([]byte, 100)
	for _, on := range []bool{false, true} {
		name := "off"
		if on {
			name = "on"
		}
		b.Run(name, func(b *testing.B) {
			m := newManager(b, shard.Config{})
			s, _ := m.Create(shard.Metadata{})
			if on {
				m.Latencies()
			}
			for b.Loop() {
				s.Append(ring.Event{Data: data})
			}
		})
	}
}

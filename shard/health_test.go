package shard_test

import (
	"fmt"
	"math/bits"
	"testing"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func wantProblems(t *testing.T, s *shard.Session, when string, want shard.Problems) shard.Health {
	t.Helper()
	h := s.Health()
	if h.Problems != want {
		t.Errorf("%s: %v, want %v; %+v", when, h.Problems, want, h)
	}
	return h
}

func follow(t *testing.T, s *shard.Session) *shard.Reader {
	t.Helper()
	f, err := s.AttachReader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Detach)
	return f
}

func TestANewSessionIsHealthy(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{}), "s")
		h := wantProblems(t, s, "new", 0)
		if h.Fill != 0 || h.Window != 0 || h.EvictionRate != 0 || h.Lag != 0 || h.Danger != 0 ||
			!h.Expires || h.ExpiresIn != time.Hour {
			t.Errorf("%+v", h)
		}
	})
}

func TestAFollowerIsLaggingFromThreeQuartersOfTheWayToLosingEvents(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 100},
			Health: shard.Thresholds{Window: -1}}), "s")
		slow, fast := follow(t, s), follow(t, s)
		slow.ReadUpTo(0)
		for range 74 {
			fast.ReadUpTo(store(t, s, "x")[0].Seq)
		}
		if h := wantProblems(t, s, "74 behind", 0); h.Lag != 74 || h.Danger != 0.74 || h.Fill != 0.74 {
			t.Errorf("%+v", h)
		}
		store(t, s, "x")
		wantProblems(t, s, "75 behind", shard.Lagging)
		for range 25 {
			store(t, s, "x")
		}
		if h := wantProblems(t, s, "100 behind", shard.Lagging); h.Lag != 100 || h.Danger != 1 {
			t.Errorf("%+v", h)
		}
		store(t, s, "x")
		wantProblems(t, s, "101 behind", shard.Overtaken)
		slow.ReadUpTo(101)
		if h := wantProblems(t, s, "after reading", 0); h.Lag != 27 || h.Danger != 0.27 {
			t.Errorf("%+v", h)
		}
	})
}

func TestAFullLogIsAsDangerousByBytesAsByEvents(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{Ring: ring.Config{MaxBytes: 10_000},
			Health: shard.Thresholds{Window: -1}}), "s")
		follow(t, s).ReadUpTo(0)
		for range 8 {
			if _, err := s.Append(ring.Event{Data: make([]byte, 1000-ring.Overhead)}); err != nil {
				t.Fatal(err)
			}
		}
		if h := wantProblems(t, s, "eight tenths", shard.Lagging); h.Fill < 0.8 || h.Fill > 0.85 {
			t.Errorf("%+v", h)
		}
	})
}

func TestAStreamWhoseReaderDoesNotSayHowFarItIsIsNotJudged(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 4},
			Health: shard.Thresholds{Window: -1}}), "s")
		detach, err := s.Attach()
		if err != nil {
			t.Fatal(err)
		}
		store(t, s, "a", "b", "c", "d", "e", "f")
		if h := wantProblems(t, s, "overtaken for all we know", 0); h.Attached != 1 || h.Lag != 0 {
			t.Errorf("%+v", h)
		}
		if f := s.Readers(); len(f) != 1 || f[0].Known {
			t.Errorf("%+v", f)
		}
		detach()
		if f := s.Readers(); len(f) != 0 {
			t.Errorf("%+v", f)
		}
	})
}

func TestALogThatReachesBackLessThanTheWindowIsEvicting(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 60}}), "s")
		follow(t, s)
		for range 61 {
			store(t, s, "x")
			time.Sleep(250 * time.Millisecond)
		}
		h := wantProblems(t, s, "four a second", shard.Evicting)
		if h.Window != 15*time.Second || h.EvictionRate < 0.06 || h.EvictionRate > 0.07 {
			t.Errorf("%+v", h) // one event in 15 s, so far
		}
		for range 120 {
			store(t, s, "x")
			time.Sleep(250 * time.Millisecond)
		}
		if h := wantProblems(t, s, "for longer", shard.Evicting); h.EvictionRate != 4 {
			t.Errorf("%+v", h)
		}
		sleep(15 * time.Second)
		if h := wantProblems(t, s, "after a pause", 0); h.Window != 30*time.Second || h.EvictionRate != 2 {
			t.Errorf("%+v", h)
		}
	})
}

func TestASessionWhoseClientDoesNotComeBackForItsEventsIsUnfollowed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{TTL: -1}), "s")
		sleep(time.Hour)
		wantProblems(t, s, "nobody came, and there is nothing to read", 0)
		store(t, s, "a")
		wantProblems(t, s, "nobody ever came", shard.Unread)
		f := follow(t, s)
		wantProblems(t, s, "somebody came", 0)
		f.Detach()
		sleep(time.Hour)
		wantProblems(t, s, "and went, having seen everything", 0)
		f = follow(t, s)
		f.Detach()
		store(t, s, "b", "c")
		sleep(time.Minute - 1)
		wantProblems(t, s, "not quite a minute", 0)
		sleep(1)
		if h := wantProblems(t, s, "a minute", shard.Unread); h.Unattached != time.Minute || h.Waiting != 2 {
			t.Errorf("%+v", h)
		}
	})
}

func TestASessionIsExpiringFromThreeQuartersOfItsTTL(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{}), "s")
		sleep(45*time.Minute - 1)
		wantProblems(t, s, "before", 0)
		sleep(1)
		if h := wantProblems(t, s, "then", shard.Expiring); h.Idle != 45*time.Minute || !h.Expires ||
			h.ExpiresIn != 15*time.Minute {
			t.Errorf("%+v", h)
		}
		f := follow(t, s)
		if h := wantProblems(t, s, "with a reader", 0); h.Idle != 0 || h.Expires || h.ExpiresIn != 0 {
			t.Errorf("%+v", h)
		}
		f.Detach()
		wantProblems(t, s, "after it", 0)
	})
}

func TestASessionThatTakesNoEventsHasNoProblems(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 4}}), "s")
		f := follow(t, s)
		f.ReadUpTo(0)
		store(t, s, "a", "b", "c", "d", "e", "f")
		wantProblems(t, s, "active", shard.Overtaken|shard.Evicting)
		s.Finish()
		if h := wantProblems(t, s, "finished", 0); h.Status != shard.Finished || h.Log.Last != 6 {
			t.Errorf("%+v", h)
		}
		f.Detach()
		if h := s.Health(); h.ExpiresIn != time.Minute {
			t.Errorf("a finished session is readable for Linger: %+v", h)
		}
		s.Terminate()
		if h := wantProblems(t, s, "ended", 0); h.Status != shard.Terminated || h.Log != (ring.Stats{}) {
			t.Errorf("%+v", h)
		}
	})
}

func TestThresholdsAreConfigured(t *testing.T) {
	inTime(t, func(t *testing.T) {
		cfg := shard.Config{Ring: ring.Config{MaxEvents: 10}, TTL: time.Minute}
		cfg.Health = shard.Thresholds{Danger: 0.2, Window: time.Second, Unread: time.Second, Idle: 0.1}
		s := create(t, newManager(t, cfg), "s")
		store(t, s, "a", "b")
		f := follow(t, s)
		f.ReadUpTo(0)
		wantProblems(t, s, "2 of 10 behind", shard.Lagging)
		f.Detach()
		store(t, s, "c")
		sleep(6 * time.Second)
		wantProblems(t, s, "six seconds later", shard.Unread|shard.Expiring)

		off := cfg
		off.Health = shard.Thresholds{Danger: -1, Window: -1, Unread: -1, Idle: -1}
		s = create(t, newManager(t, off), "s")
		for range 11 {
			store(t, s, "x")
		}
		sleep(50 * time.Second)
		wantProblems(t, s, "all off", 0)
	})
	for _, bad := range []shard.Thresholds{{Danger: 1.5}, {Idle: 2}} {
		if m, err := shard.New(shard.Config{Health: bad}); err == nil {
			m.Close()
			t.Errorf("%+v is accepted", bad)
		}
	}
}

func TestFollowersTellHowFarTheyAre(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := create(t, newManager(t, shard.Config{}), "s")
		began := time.Now()
		a := follow(t, s)
		sleep(time.Second)
		follow(t, s).ReadUpTo(1)
		store(t, s, "a", "b", "c", "d")
		a.ReadUpTo(4)
		lags := map[string]bool{}
		for _, f := range s.Readers() {
			lags[fmt.Sprint(f.Since.Sub(began), f.Known, f.Read, f.Lag)] = true
		}
		if len(lags) != 2 || !lags["0s true 4 0"] || !lags["1s true 1 3"] {
			t.Errorf("%v", lags)
		}
	})
}

func TestLimitsAreTheSessionsOwn(t *testing.T) {
	m := newManager(t, shard.Config{})
	s, err := m.CreateWith(shard.Options{Ring: ring.Config{MaxEvents: 7}})
	if err != nil {
		t.Fatal(err)
	}
	if l := s.Limits(); l.MaxEvents != 7 || l.MaxBytes != 8<<20 {
		t.Errorf("%+v", l)
	}
	if l := create(t, m, "s").Limits(); l.MaxEvents != 1000 {
		t.Errorf("%+v", l)
	}
}

func TestHealthIsReadWhileEverythingChanges(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 8}})
	s := create(t, m, "s")
	together(4, func(i int) {
		for n := range 2000 {
			switch i {
			case 0:
				s.Append(ring.Event{Data: []byte("x")})
			case 1:
				f, err := s.AttachReader()
				if err != nil {
					t.Error(err)
					return
				}
				f.ReadUpTo(uint64(n))
				f.Detach()
			default:
				if h := s.Health(); h.Danger > 1 || h.Fill > 1 || h.Window < 0 {
					t.Errorf("%+v", h)
				}
				s.Readers()
			}
		}
	})
	if st := m.Stats(); st.Attached != 0 || s.Info().Attached != 0 {
		t.Errorf("%+v", st)
	}
}

func TestProblemsHaveNames(t *testing.T) {
	for p, want := range map[shard.Problems]string{
		0:                                "none",
		shard.Lagging:                    "lagging",
		shard.Overtaken | shard.Expiring: "overtaken, expiring",
		shard.Evicting | shard.Unread:    "evicting, unread",
	} {
		if p.String() != want {
			t.Errorf("%d is %q, want %q", p, p, want)
		}
	}
}

func TestHealthDoesNotAllocateAndAFollowerHasACacheLineOfItsOwn(t *testing.T) {
	if shard.ReaderSize != 128 && bits.UintSize == 64 {
		t.Errorf("a Reader takes %d bytes", shard.ReaderSize)
	}
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 4}})
	s, err := m.Create(shard.Metadata{Principal: "me", ClientInfo: map[string]any{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	store(t, s, "a", "b", "c", "d", "e")
	f := follow(t, s)
	for what, call := range map[string]func(){
		"Health":  func() { s.Health() },
		"Summary": func() { s.Summary() },
		"Read":    func() { f.ReadUpTo(1) },
	} {
		if n := testing.AllocsPerRun(1000, call); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
}

func BenchmarkHealth(b *testing.B) {
	s := create(b, newManager(b, shard.Config{}), "s")
	store(b, s, "a", "b", "c")
	for b.Loop() {
		s.Health()
	}
}

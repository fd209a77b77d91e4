package shard_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestZeroConfigIsReady(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		for range 10_000 {
			if _, err := m.Create(shard.Metadata{}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := m.Create(shard.Metadata{})
		wantErr(t, "the 10,001st", err, shard.ErrSessionLimit)
		sleep(time.Hour)
		if st := m.Stats(); st.Active != 10_000 {
			t.Errorf("after the TTL: %+v", st)
		}
		sleep(100 * time.Millisecond)
		if st := m.Stats(); st.Active != 0 || st.Total != 10_000 {
			t.Errorf("a Tick later: %+v", st)
		}
		sleep(time.Minute + 100*time.Millisecond)
		if st := m.Stats(); st.Total != 0 {
			t.Errorf("after Linger: %+v", st)
		}
	})
}

func TestWrongConfigIsAnErrorThatNamesTheFieldAndTheValue(t *testing.T) {
	for want, cfg := range map[string]shard.Config{
		"Config.Shards is -1":              {Shards: -1},
		"Config.Shards is 16385":           {Shards: 16385},
		"Config.Tick is 999":               {Tick: time.Millisecond - 1},
		"Config.Tick is -1ns":              {Tick: -1},
		"Config.Tick is 1m0.000000001s":    {Tick: time.Minute + 1},
		"Config.MaxEvents is -2":           {Ring: ring.Config{MaxEvents: -2}},
		"Config.MaxBytes is -3":            {Ring: ring.Config{MaxBytes: -3}},
		"Config.MaxEventBytes is -4":       {Ring: ring.Config{MaxEventBytes: -4}},
		"Config.MaxEvents is 1073741824":   {Ring: ring.Config{MaxEvents: 1 << 30}},
		"shard: Config.Ring: ring: Config": {Ring: ring.Config{MaxBytes: -1}},
	} {
		m, err := shard.New(cfg)
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestExtremeConfigWorks(t *testing.T) {
	inTime(t, func(t *testing.T) {
		for _, cfg := range []shard.Config{
			{Shards: 1, MaxSessions: 1, MaxBytes: 1, TTL: 1, Linger: 1, Tick: time.Millisecond},
			{Shards: 16384, Tick: time.Minute},
			{MaxSessions: math.MaxInt, MaxBytes: math.MaxInt64, TTL: math.MaxInt64, Linger: math.MaxInt64,
				MaxPerPrincipal: math.MaxInt, MaxAttached: math.MaxInt},
			{MaxSessions: math.MinInt, MaxBytes: math.MinInt64, TTL: math.MinInt64, Linger: math.MinInt64,
				MaxPerPrincipal: math.MinInt, MaxAttached: math.MinInt},
		} {
			m, err := shard.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			s, err := m.Create(shard.Metadata{Principal: "me"})
			if err != nil {
				t.Fatal(err)
			}
			detach, err := s.Attach()
			if err != nil {
				t.Fatal(err)
			}
			detach()
			s.Terminate()
			sleep(time.Hour)
			_, err = m.Info(s.ID())
			if forever := cfg.Linger == math.MaxInt64; forever != (err == nil) {
				t.Errorf("%+v: Info after an hour: %v", cfg, err)
			}
			m.Close()
		}
	})
}

func TestMaxSessionsIsExactAndAnEndedSessionFreesItsPlaceAtOnce(t *testing.T) {
	ends := map[string]func(*shard.Manager, *shard.Session){
		"terminate": func(m *shard.Manager, s *shard.Session) { m.Terminate(s.ID()) },
		"expiry":    func(_ *shard.Manager, s *shard.Session) { time.Sleep(2 * time.Minute); s.Touch() },
		"finish":    func(_ *shard.Manager, s *shard.Session) { s.Finish(); time.Sleep(30 * time.Second); s.Touch() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				m := newManager(t, shard.Config{MaxSessions: 2, TTL: time.Minute, Linger: 30 * time.Second})
				create(t, m, "a").Attach()
				b := create(t, m, "b")
				_, err := m.Create(shard.Metadata{})
				wantErr(t, "the third", err, shard.ErrSessionLimit)
				_, err = m.CreateWithID("b", shard.Metadata{})
				wantErr(t, "a taken ID, rather than the limit", err, shard.ErrExists)
				end(m, b)
				if _, err := m.Create(shard.Metadata{}); err != nil {
					t.Errorf("the place of an ended session: %v", err)
				}
				if st := m.Stats(); st.Active != 2 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// A finished session holds its events until it ends, so it holds its place too.
func TestFinishedSessionCountsUntilItEnds(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: 1})
	s := create(t, m, "a")
	s.Finish()
	_, err := m.Create(shard.Metadata{})
	wantErr(t, "Create", err, shard.ErrSessionLimit)
	if st := m.Stats(); st.Active != 1 {
		t.Errorf("%+v", st)
	}
	s.Terminate()
	create(t, m, "b")
}

func TestMaxSessionsIsExactUnderConcurrentCreate(t *testing.T) {
	const limit, goroutines, rounds = 50, 8, 20
	m := newManager(t, shard.Config{MaxSessions: limit, Linger: -1})
	for range rounds {
		var created atomic.Int64
		together(goroutines, func(int) {
			for range limit {
				if _, err := m.Create(shard.Metadata{}); err == nil {
					created.Add(1)
				} else {
					wantErr(t, "Create", err, shard.ErrSessionLimit)
				}
			}
		})
		if n := created.Load(); n != limit || m.Stats().Active != limit {
			t.Fatalf("%d created, %d active, the limit is %d", n, m.Stats().Active, limit)
		}
		for s := range m.Sessions() {
			s.Terminate()
		}
	}
}

// Whoever has a session terminated may create the next one, with exactly as many places as
// goroutines: none is ever refused.
func TestNoPlaceIsLostInAStormOfCreateAndTerminate(t *testing.T) {
	const goroutines = 8
	m := newManager(t, shard.Config{MaxSessions: goroutines, MaxPerPrincipal: goroutines / 2, Linger: -1})
	together(goroutines, func(g int) {
		md := shard.Metadata{Principal: fmt.Sprint(g % 2)}
		for range 20_000 / slow {
			s, err := m.Create(md)
			if err != nil {
				t.Errorf("refused though there is a place: %v", err)
				return
			}
			s.Terminate()
		}
	})
	if st := m.Stats(); st.Active != 0 || st.Total != 0 || st.Created != st.Terminated {
		t.Errorf("%+v", st)
	}
}

func TestMaxPerPrincipalIsExactUnderConcurrentCreate(t *testing.T) {
	const limit, goroutines = 5, 8
	m := newManager(t, shard.Config{MaxPerPrincipal: limit, Linger: -1})
	for range 50 {
		var created [3]atomic.Int64
		together(goroutines, func(int) {
			for i := range 60 {
				if _, err := m.Create(shard.Metadata{Principal: []string{"", "a", "b"}[i%3]}); err == nil {
					created[i%3].Add(1)
				} else {
					wantErr(t, "Create", err, shard.ErrSessionLimit)
				}
			}
		})
		if none, a, b := created[0].Load(), created[1].Load(), created[2].Load(); a != limit || b != limit ||
			none != goroutines*20 {
			t.Fatalf("%d of a, %d of b, %d of nobody; want %d, %d and all", a, b, none, limit, limit)
		}
		for s := range m.Sessions() {
			s.Terminate()
		}
		if n := shard.Owners(m); n != 0 {
			t.Fatalf("%d principals without a session are still counted", n)
		}
	}
}

func TestRefusedCreateTakesNoPlace(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: 2, MaxPerPrincipal: 1})
	me := shard.Metadata{Principal: "me"}
	if _, err := m.Create(me); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, err := m.Create(me)
		wantErr(t, "a second one of me", err, shard.ErrSessionLimit)
	}
	create(t, m, "other")
	for range 5 {
		_, err := m.Create(shard.Metadata{Principal: "you"})
		wantErr(t, "a third", err, shard.ErrSessionLimit)
	}
	if n := shard.Owners(m); n != 1 {
		t.Errorf("%d principals are counted, want me", n)
	}
}

func TestOneIDIsCreatedOnceHoweverManyTry(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: 2, Linger: -1})
	for i := range 200 {
		var winners sync.Map
		var won atomic.Int64
		together(8, func(int) {
			if s, err := m.CreateWithID(fmt.Sprint(i), shard.Metadata{}); err == nil {
				won.Add(1)
				winners.Store(s, true)
			} else {
				wantErr(t, "Create", err, shard.ErrExists)
			}
		})
		if won.Load() != 1 {
			t.Fatalf("%d sessions of one ID", won.Load())
		}
		winners.Range(func(s, _ any) bool { s.(*shard.Session).Terminate(); return true })
	}
}

func TestMaxAttachedIsExactUnderConcurrency(t *testing.T) {
	const limit = 3
	m := newManager(t, shard.Config{MaxAttached: limit})
	s := create(t, m, "id")
	var open, most, refused atomic.Int64
	together(8, func(int) {
		for range 5_000 / slow {
			detach, err := s.Attach()
			if err != nil {
				wantErr(t, "Attach", err, shard.ErrAttachLimit)
				refused.Add(1)
				continue
			}
			n := open.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			open.Add(-1)
			detach()
			detach()
		}
	})
	if most.Load() > limit {
		t.Errorf("%d streams open at once, the limit is %d", most.Load(), limit)
	}
	if info := s.Info(); info.Attached != 0 || m.Stats().Attached != 0 {
		t.Errorf("%d streams left", info.Attached)
	}
	var detach [limit]func()
	for i := range detach {
		d, err := s.Attach()
		if err != nil {
			t.Fatal(err)
		}
		detach[i] = d
	}
	_, err := s.Attach()
	wantErr(t, "one too many", err, shard.ErrAttachLimit)
	detach[1]()
	if _, err := s.Attach(); err != nil {
		t.Errorf("after a detach: %v", err)
	}
}

func TestAttachToAnEndedSessionLeaksNothing(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "id")
	detach, _ := s.Attach()
	s.Terminate()
	_, err := s.Attach()
	wantErr(t, "Attach", err, shard.ErrNotFound)
	if info := s.Info(); info.Attached != 1 {
		t.Errorf("%d attached", info.Attached)
	}
	detach()
	if info := s.Info(); info.Attached != 0 || m.Stats().Attached != 0 {
		t.Errorf("%d attached", info.Attached)
	}
}

// Limits that are those of Config.Ring, given once more, are not limits of the session's own.
func TestOptionsThatRepeatTheConfigurationChangeNothing(t *testing.T) {
	cfg := ring.Config{MaxEvents: 3, MaxBytes: 4000, MaxEventBytes: 500, MaxIDBytes: 40, StrictIDs: true}
	m := newManager(t, shard.Config{Ring: cfg})
	for _, given := range []ring.Config{
		cfg, {MaxEvents: 3}, {MaxBytes: 4000, MaxEventBytes: 500}, {MaxIDBytes: 40}, {StrictIDs: true},
	} {
		s, err := m.CreateWith(shard.Options{Ring: given})
		if err != nil {
			t.Fatal(err)
		}
		store(t, s, "a", "b", "c", "d")
		if got := s.Limits(); got != cfg || s.Info().Log.Events != 3 {
			t.Errorf("with %+v the limits are %+v, and %d events are retained", given, got, s.Info().Log.Events)
		}
	}
}

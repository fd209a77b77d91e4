package soak_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	slotsPerWriter = 128
	followers      = 24
	httpFollowers  = 4
	slotTTL        = 10 * time.Second
	massTTL        = 300 * time.Millisecond
	tick           = 50 * time.Millisecond
	budget         = 256 << 20
	maxEventBytes  = 16 << 10
)

// A soak is one run.
type soak struct {
	*testing.T
	manager *shard.Manager
	store   replay.Store
	server  *httptest.Server
	writers []*writer
	slots   []*slot
	hot     *slot // which all writers write to

	ctx    context.Context // ends with the run
	stop   context.CancelFunc
	counts struct {
		appended, refused, duplicates, overBudget atomic.Int64
		followed, cuts, gaps, renewed, ended      atomic.Int64
	}
	late atomic.Int64 // ns: the longest that a mass expiry took beyond TTL and Tick
}

// A slot has one session after the other.
type slot struct{ session atomic.Pointer[shard.Session] }

// duration is short unless REPRISE_SOAK says how long.
func duration(t *testing.T) time.Duration {
	long := os.Getenv("REPRISE_SOAK")
	if long == "" {
		return 2 * time.Second
	}
	d, err := time.ParseDuration(long)
	if err != nil {
		t.Fatalf("REPRISE_SOAK: %v", err)
	}
	return d
}

func TestEverythingAtOnceLosesNothingAndGrowsNowhere(t *testing.T) {
	d := duration(t)
	s := newSoak(t, d)
	var writing, reading sync.WaitGroup
	for _, w := range s.writers {
		writing.Go(w.run)
	}
	for i := range followers {
		reading.Go(func() { s.follow(rand.New(rand.NewPCG(uint64(i), 1))) })
	}
	for i := range httpFollowers {
		reading.Go(func() { s.followHTTP(rand.New(rand.NewPCG(uint64(i), 2))) })
	}
	reading.Go(s.watch)
	reading.Go(s.progress)
	samples := s.massExpiries(d)
	s.stop()
	writing.Wait()
	reading.Wait()
	s.checkEnd()
	samples.judge(t)
	s.Logf("%s", s.summary())
}

func newSoak(t *testing.T, d time.Duration) *soak {
	s := &soak{T: t}
	s.ctx, s.stop = context.WithTimeout(context.Background(), d)
	var err error
	s.manager, err = shard.New(shard.Config{
		TTL: slotTTL, Linger: time.Second, Tick: tick, MaxSessions: 50_000, MaxBytes: budget, OnEnd: s.onEnd,
		Ring: ring.Config{MaxEvents: 256, MaxBytes: 256 << 10, MaxEventBytes: maxEventBytes},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.store = replay.Local(s.manager)
	s.server = httptest.NewServer(&replay.Handler{
		Store:     s.store,
		KeepAlive: 20 * time.Millisecond,
		Position: func(r *http.Request) replay.Position {
			return replay.Position{LastEventID: r.Header.Get("Last-Event-ID"), All: true}
		},
	})
	s.hot = &slot{}
	hot, err := s.manager.CreateWith(shard.Options{TTL: -1, Ring: ring.Config{MaxEvents: 4096, MaxBytes: 8 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	s.hot.session.Store(hot)
	for i := range 2 * runtime.GOMAXPROCS(0) {
		w := &writer{soak: s, number: i, rand: rand.New(rand.NewPCG(uint64(i), 0))}
		for range slotsPerWriter {
			p := &place{slot: &slot{}}
			w.renew(p)
			w.places = append(w.places, p)
			s.slots = append(s.slots, p.slot)
		}
		s.writers = append(s.writers, w)
	}
	return s
}

// onEnd wants that no session has expired before its time.
func (s *soak) onEnd(i shard.Info) {
	s.counts.ended.Add(1)
	ttl := slotTTL
	if i.Transport == "mass" {
		ttl = massTTL
	}
	// of the wall clock
	if idle := time.Since(i.LastActivity); i.Status == shard.Expired && idle < ttl-5*time.Millisecond {
		s.Errorf("session %s expired %v after its last activity", i.ID, idle)
	}
}

// fail ends the run.
func (s *soak) fail(err error) {
	s.Errorf("%v", err)
	s.stop()
}

// any returns a session at random, now and then the hot one.
func (s *soak) any(r *rand.Rand) *shard.Session {
	if r.IntN(8) == 0 {
		return s.hot.session.Load()
	}
	return s.slots[r.IntN(len(s.slots))].session.Load()
}

// watch looks at everything that there is to look at.
func (s *soak) watch() {
	for s.ctx.Err() == nil {
		st := s.manager.Stats()
		if st.Active > 50_000 || st.Events < 0 || st.Bytes < 0 ||
			st.Bytes > budget+int64(len(s.writers)+1)*maxEventBytes {
			s.fail(fmt.Errorf("stats %+v", st))
		}
		n := 0
		for session := range s.manager.Sessions() {
			if n++; n%64 == 0 {
				s.manager.Info(session.ID())
				session.Health()
				runtime.Gosched()
			}
		}
	}
}

// checkEnd closes everything and wants the books balanced.
func (s *soak) checkEnd() {
	s.server.Close()
	for _, w := range s.writers {
		w.checkLast()
	}
	if err := s.manager.Close(); err != nil {
		s.Error(err)
	}
	st := s.manager.Stats()
	if sum := st.Terminated + st.Expired + st.Finished; st.Active != 0 || st.Events != 0 || st.Bytes != 0 ||
		st.Created != sum {
		s.Errorf("at the end: %+v", st)
	}
	if ended := s.counts.ended.Load(); uint64(ended) != st.Created {
		s.Errorf("OnEnd was called %d times for %d sessions", ended, st.Created)
	}
	if st.Appended != uint64(s.counts.appended.Load()) {
		s.Errorf("%d events were stored, and %d appends succeeded", st.Appended, s.counts.appended.Load())
	}
}

func (s *soak) summary() string {
	st, c := s.manager.Stats(), &s.counts
	return fmt.Sprintf(
		"%d events appended, %d followed with %d cuts, %d gaps told; %d refused, %d duplicates, %d over budget; "+
			"%d sessions created, %d terminated, %d finished, %d expired, at most %v late; append %v",
		c.appended.Load(),
		c.followed.Load(),
		c.cuts.Load(),
		c.gaps.Load(),
		c.refused.Load(),
		c.duplicates.Load(),
		c.overBudget.Load(),
		st.Created,
		st.Terminated,
		st.Finished,
		st.Expired,
		time.Duration(s.late.Load()).Round(time.Millisecond),
		s.latencies(),
	)
}

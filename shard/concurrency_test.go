package shard_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Terminate, Append, Touch and Attach race on one session after another. What began after Terminate
// returned, or after anybody was told that the session is not there, must fail; what was stored
// must be all that is read.
func TestTerminateIsLinearizableWithEverythingElse(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	for i := range 2000 / slow {
		s := create(t, m, fmt.Sprint(i))
		detach, err := s.Attach()
		if err != nil {
			t.Fatal(err)
		}
		reader, err := s.Seek("")
		if err != nil {
			t.Fatal(err)
		}
		var over atomic.Bool // somebody knows that the session has ended
		var stored atomic.Int64
		check := func(what string, known bool, err error) bool {
			if err == nil && known {
				t.Errorf("%s succeeded after the end was known", what)
			}
			if err != nil {
				wantErr(t, what, err, shard.ErrNotFound)
				over.Store(true)
			}
			return err == nil
		}
		together(6, func(g int) {
			for n := 0; n < 1000; n++ {
				known := over.Load()
				switch {
				case g == 0 && n == 20:
					s.Terminate()
					over.Store(true)
					return
				case g == 1:
					if !check("Touch", known, s.Touch()) {
						return
					}
				case g == 2:
					detach, err := s.Attach()
					if !check("Attach", known, err) {
						return
					}
					detach()
				case g == 3:
					if _, err := m.Get(s.ID()); !check("Get", known, err) {
						return
					}
				default:
					if _, err := s.Append(ring.Event{Data: []byte("x")}); !check("Append", known, err) {
						return
					}
					stored.Add(1)
				}
			}
			s.Terminate()
		})
		read := int64(0)
		for e := (ring.Event{}); reader.Next(&e); {
			read++
		}
		if reader.Err() == nil && read != stored.Load() {
			t.Fatalf("%d events were stored and %d read", stored.Load(), read)
		}
		detach()
	}
	if st := m.Stats(); st.Events != 0 || st.Total != 0 || st.Attached != 0 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
}

// Goroutines touch sessions just when they are about to expire. A touch that succeeds gives the
// session its whole TTL; after a refusal nothing succeeds.
func TestExpiryAgainstTouchNeitherOverrulesTheOther(t *testing.T) {
	const ttl = 2 * time.Millisecond
	m := newManager(t, shard.Config{TTL: ttl, Tick: time.Millisecond, Linger: -1})
	for i := range 50 / slow {
		s := create(t, m, fmt.Sprint(i))
		var refused atomic.Bool
		together(4, func(g int) {
			for n := range 10 {
				time.Sleep(ttl + time.Duration(g*100+n*50)*time.Microsecond)
				known, begin := refused.Load(), time.Now()
				if err := s.Touch(); err != nil {
					wantErr(t, "Touch", err, shard.ErrNotFound)
					refused.Store(true)
					return
				}
				if known {
					t.Error("a touch succeeded after a refusal")
				}
				if _, err := m.Get(s.ID()); err != nil && time.Since(begin) < ttl {
					t.Errorf("gone %v after a touch", time.Since(begin))
				}
			}
		})
		s.Terminate() // not before all are through: they ask for what only expiry may end
	}
}

func TestAttachAgainstExpiryKeepsTheSessionOrFails(t *testing.T) {
	const ttl = time.Millisecond
	m := newManager(t, shard.Config{TTL: ttl, Tick: time.Millisecond, Linger: -1})
	for i := range 50 / slow {
		s := create(t, m, fmt.Sprint(i))
		together(4, func(g int) {
			for n := range 5 {
				time.Sleep(ttl + time.Duration(g*100+n*50)*time.Microsecond)
				detach, err := s.Attach()
				if err != nil {
					wantErr(t, "Attach", err, shard.ErrNotFound)
					return
				}
				time.Sleep(2 * ttl)
				if err := s.Touch(); err != nil {
					t.Errorf("a session with a stream attached is gone: %v", err)
				}
				detach()
			}
		})
		s.Terminate()
		if n := s.Info().Attached; n != 0 {
			t.Fatalf("%d streams left", n)
		}
	}
	if n := m.Stats().Attached; n != 0 {
		t.Errorf("%d streams left", n)
	}
}

// Everything at once, on IDs that are taken again and again: afterwards all counters agree with
// each other.
func TestStatisticsAreExactWhenAllIsQuiet(t *testing.T) {
	var ended atomic.Int64
	m := newManager(t, shard.Config{
		TTL: 3 * time.Millisecond, Tick: time.Millisecond, Linger: time.Millisecond, MaxSessions: 20, MaxAttached: 2,
		Ring:  ring.Config{MaxEvents: 4},
		OnEnd: func(shard.Info) { ended.Add(1) },
	})
	var created, stored, duplicates atomic.Int64
	together(6, func(g int) {
		for n := range 3000 / slow {
			id := fmt.Sprint(n * (g + 1) % 30)
			s, err := m.CreateWithID(id, shard.Metadata{Transport: "sse"})
			if err == nil {
				created.Add(1)
			} else if s, err = m.Get(id); err != nil {
				continue
			}
			detach, err := s.Attach()
			for i := range 6 {
				e, err := s.Append(ring.Event{ID: fmt.Sprint(i % 3), Data: []byte("data")})
				switch {
				case err == nil:
					stored.Add(1)
				case e.Seq != 0:
					duplicates.Add(1)
				}
			}
			s.Update(func(md *shard.Metadata) { md.Transport += "x" })
			if err == nil {
				detach()
			}
			switch n % 4 {
			case 0:
				s.Terminate()
			case 1:
				s.Finish()
			case 2:
				time.Sleep(time.Microsecond)
			}
		}
	})
	st := m.Stats()
	if int64(st.Created) != created.Load() || int64(st.Appended) != stored.Load() ||
		int64(st.Duplicates) != duplicates.Load() || st.Attached != 0 {
		t.Errorf("%+v; %d created, %d stored, %d duplicates", st, created.Load(), stored.Load(), duplicates.Load())
	}
	m.Close()
	st = m.Stats()
	if ended.Load() != created.Load() || st.Active != 0 || st.Total != 0 || st.Events != 0 || st.Bytes != 0 ||
		st.Memory != 0 {
		t.Errorf("at the end %+v, %d ended of %d", st, ended.Load(), created.Load())
	}
}

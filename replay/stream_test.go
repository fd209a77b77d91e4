package replay

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// serving runs a test in a synctest bubble with a stream of session s that is open and idle.
func serving(t *testing.T, h *Handler, test func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{})) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := must(shard.New(shard.Config{TTL: -1}))
		defer m.Close()
		s := create(t, m, "s", "")
		h.Store = Local(m)
		p := newPipe(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(p, request("GET", "s").WithContext(p.ctx))
		}()
		synctest.Wait()
		test(t, s, p, done)
		p.hangUp()
		<-done
		equal(t, "attached afterwards", m.Stats().Attached, 0)
	})
}

func TestEventsAreFlushedAtOnce(t *testing.T) {
	serving(t, &Handler{}, func(t *testing.T, s *shard.Session, p *pipe, _ <-chan struct{}) {
		equal(t, "flushes before any event", p.flushed(), 1)
		for i := range 3 {
			add(t, s, "x")
			synctest.Wait()
			equal(t, "events", p.events(), i+1)
			equal(t, "flushes", p.flushed(), i+2)
		}
	})
}

func TestKeepAlive(t *testing.T) {
	for _, c := range []struct {
		name      string
		keepAlive time.Duration
		want      int // comments in an idle minute, after the first
	}{
		{"every 15 s by default", 0, 4},
		{"as configured", 10 * time.Second, 6},
		{"off", -1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			serving(t, &Handler{KeepAlive: c.keepAlive},
				func(t *testing.T, s *shard.Session, p *pipe, _ <-chan struct{}) {
					time.Sleep(time.Minute + time.Second)
					synctest.Wait()
					equal(t, "comments", p.comments()-1, c.want)
					equal(t, "flushes", p.flushed()-1, c.want)
				})
		})
	}
}

func TestKeepAliveCountsFromTheLastWrite(t *testing.T) {
	serving(t, &Handler{KeepAlive: 10 * time.Second}, func(t *testing.T, s *shard.Session, p *pipe, _ <-chan struct{}) {
		for range 20 {
			time.Sleep(7 * time.Second)
			add(t, s, "x")
		}
		synctest.Wait()
		equal(t, "comments while events come", p.comments(), 1)
		time.Sleep(10*time.Second - time.Nanosecond)
		synctest.Wait()
		equal(t, "comments before the time", p.comments(), 1)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		equal(t, "comments at the time", p.comments(), 2)
	})
}

func TestKeepAliveWhileOtherStreamsAreBusy(t *testing.T) {
	h := &Handler{Position: func(*http.Request) Position { return Position{Streams: []string{"a"}} }}
	serving(t, h, func(t *testing.T, s *shard.Session, p *pipe, _ <-chan struct{}) {
		for range 61 {
			add(t, s, "b:x")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		equal(t, "comments", p.comments()-1, 4)
		equal(t, "events", p.events(), 0)
	})
}

func TestEveryWriteHasItsDeadline(t *testing.T) {
	for _, c := range []struct {
		timeout, want time.Duration
	}{{0, 10 * time.Second}, {time.Second, time.Second}} {
		serving(t, &Handler{WriteTimeout: c.timeout}, func(t *testing.T, s *shard.Session, p *pipe, _ <-chan struct{}) {
			for range 3 {
				time.Sleep(time.Minute)
				add(t, s, "x")
				synctest.Wait()
			}
			for i, began := range p.wrote {
				equal(t, "time for a write", p.limits[i].Sub(began), c.want)
			}
		})
	}
	t.Run("or none when it is off", func(t *testing.T) {
		serving(t, &Handler{WriteTimeout: -1}, func(t *testing.T, s *shard.Session, p *pipe, _ <-chan struct{}) {
			add(t, s, "x")
			synctest.Wait()
			equal(t, "deadlines", slices.Max(slices.Collect(func(yield func(int64) bool) {
				for _, limit := range p.limits {
					if !limit.IsZero() && !yield(1) {
						return
					}
				}
				yield(0)
			})), 0)
		})
	})
}

func TestStalledClientIsGoneAfterWriteTimeout(t *testing.T) {
	serving(t, &Handler{WriteTimeout: 5 * time.Second},
		func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
			p.stall = true
			start := time.Now()
			add(t, s, "x")
			<-done
			equal(t, "gone after", time.Since(start), 5*time.Second)
			equal(t, "attached", s.Info().Attached, 0)
		})
}

func TestStreamEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(h *Handler, s *shard.Session, p *pipe)
		want int // events
	}{
		{"when the client goes", func(_ *Handler, s *shard.Session, p *pipe) { p.hangUp() }, 0},
		{"when the session has ended, after its last event", func(_ *Handler, s *shard.Session, p *pipe) {
			s.Append(ring.Event{})
			s.Terminate()
		}, 1},
		{"when the session has finished, after its last event", func(_ *Handler, s *shard.Session, p *pipe) {
			s.Append(ring.Event{})
			s.Finish()
		}, 1},
		{"when the handler is closed", func(h *Handler, s *shard.Session, p *pipe) { h.Close() }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &Handler{KeepAlive: -1}
			serving(t, h, func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
				start := time.Now()
				c.end(h, s, p)
				<-done
				equal(t, "after", time.Since(start), time.Duration(0))
				equal(t, "events", p.events(), c.want)
				equal(t, "open", h.Stats().Open, 0)
			})
		})
	}
}

func TestCloseEndsStalledStreamsToo(t *testing.T) {
	for _, timeout := range []time.Duration{0, -1} {
		h := &Handler{WriteTimeout: timeout}
		serving(t, h, func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
			p.stall = true
			add(t, s, "x")
			synctest.Wait()
			start := time.Now()
			h.Close()
			<-done
			equal(t, "gone after", time.Since(start), time.Second)
			equal(t, "time for the response's end", time.Until(p.deadline), time.Second)
		})
	}
}

func TestExclusive(t *testing.T) {
	h := &Handler{Exclusive: true, Keep: KeepFirst}
	serving(t, h, func(t *testing.T, s *shard.Session, p *pipe, done <-chan struct{}) {
		equal(t, "second", get(t, h, request("GET", "s")).Code, 409)
		equal(t, "unknown event", get(t, h, request("GET", "s", "Last-Event-ID", "x")).Code, 409)
		equal(t, "unknown session", get(t, h, request("GET", "unknown")).Code, 404)
		p.hangUp()
		<-done
		equal(t, "after the first has gone", get(t, h, request("GET", "s")).Code, 200)
		equal(t, "unknown event then", get(t, h, request("GET", "s", "Last-Event-ID", "x")).Code, 410)
		equal(t, "a refusal frees the place", get(t, h, request("GET", "s")).Code, 200)
	})
}

func TestManyEventsGoOutInOneWrite(t *testing.T) {
	s := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 1000}})
	session := create(t, s, "s", "")
	for range 100 {
		add(t, session, "hello")
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &sink{header: http.Header{}, onFlush: cancel}
	(&Handler{Store: Local(s)}).ServeHTTP(w, request("GET", "s").WithContext(ctx))
	equal(t, "writes", w.writes, 1)
}

func TestWritesAreBounded(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	small, big := bytes.Repeat([]byte("x"), 1000), bytes.Repeat([]byte("y"), 500_000)
	for i := range 400 {
		data := small
		if i == 200 {
			data = big
		}
		if _, err := s.Append(ring.Event{Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	s.Finish()
	p := newPipe(t.Context())
	(&Handler{Store: Local(m)}).ServeHTTP(p, request("GET", "s"))
	equal(t, "events", p.events(), 400)
	equal(t, "the largest write", slices.Max(p.writes), batch)
	if len(p.writes) > 18 {
		t.Errorf("%d writes: %v", len(p.writes), p.writes)
	}
}

func TestServedWithoutDeadlines(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	fill(t, s, 3)
	s.Finish()
	w := httptest.NewRecorder() // has no SetWriteDeadline
	(&Handler{Store: Local(m)}).ServeHTTP(w, request("GET", "s"))
	equal(t, "events", len(parse(w.Body.Bytes()).events), 3)
}

// drip is a Store with one session and a Reader that has n events, each of which comes after a
// Wait, or all at once.
type drip struct {
	Store
	n      int
	atOnce bool
	waited bool
	event  ring.Event
}

func (d *drip) Info(context.Context, string) (shard.Info, error)             { return shard.Info{}, nil }
func (d *drip) Open(context.Context, string, Position) (r Reader, err error) { return d, nil }
func (d *drip) Close()                                                       {}

func (d *drip) Next(e *ring.Event) bool {
	if d.n == 0 || !d.waited && !d.atOnce {
		return false
	}
	d.n--
	d.waited = false
	*e = d.event
	return true
}

func (d *drip) Err() error {
	if d.n == 0 {
		return shard.ErrFinished
	}
	return nil
}

func (d *drip) Wait(context.Context) error { d.waited = true; return nil }

// mallocs counts the allocations of everything that runs meanwhile.
func mallocs(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}

// A stream allocates the same for 1,000 events and for 50,000, in replay and when each is a
// wake-up, a write and a flush of its own.
func TestStreamDoesNotAllocatePerEvent(t *testing.T) {
	stores := map[string]func(n int) Store{
		"replay": func(n int) Store {
			m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: n, MaxBytes: 64 << 20}})
			s := create(t, m, "s", "")
			for range n {
				add(t, s, "some text")
			}
			s.Finish()
			return Local(m)
		},
		"ready at once": func(n int) Store {
			return &drip{n: n, atOnce: true, event: ring.Event{ID: "1", Type: "t", Data: []byte("some text")}}
		},
		"live": func(n int) Store {
			return &drip{n: n, event: ring.Event{ID: "1", Type: "t", Data: []byte("some text")}}
		},
	}
	for name, store := range stores {
		for _, policy := range []GapPolicy{GapError, GapFromOldest} {
			t.Run(fmt.Sprint(name, policy), func(t *testing.T) {
				cost := func(n int) (least float64) {
					least = math.MaxFloat64
					for range 3 {
						h := &Handler{Store: store(n), OnGap: policy}
						w := &sink{header: http.Header{}}
						least = min(least, mallocs(func() { h.ServeHTTP(w, request("GET", "s")) }))
						if w.bytes < n*20 {
							t.Fatalf("%d bytes for %d events", w.bytes, n)
						}
					}
					return least
				}
				few, many := cost(1000), cost(50_000)
				perEvent := (many - few) / 49_000
				if limit := 0.001; perEvent > limit && !(raceEnabled && perEvent < 1) {
					t.Errorf("%v allocations per event: %v for 1,000 events, %v for 50,000", perEvent, few, many)
				}
			})
		}
	}
}

// unconnected is a client whose connection has gone, which only its deadlines tell, from the nth
// on.
type unconnected struct {
	*pipe
	left int
}

func (u *unconnected) SetWriteDeadline(t time.Time) error {
	if u.left--; u.left < 0 {
		return net.ErrClosed
	}
	return u.pipe.SetWriteDeadline(t)
}

// Over HTTP/2 a deadline is set for each write and cleared behind it.
func TestStreamEndsWhenADeadlineCannotBeSet(t *testing.T) {
	for n := range 5 {
		synctest.Test(t, func(t *testing.T) {
			m := must(shard.New(shard.Config{TTL: -1}))
			defer m.Close()
			s := create(t, m, "s", "")
			w := &unconnected{newPipe(t.Context()), n}
			done := make(chan struct{})
			go func() {
				defer close(done)
				r := request("GET", "s").WithContext(w.ctx)
				r.ProtoMajor = 2
				(&Handler{Store: Local(m), KeepAlive: time.Second}).ServeHTTP(w, r)
			}()
			time.Sleep(time.Minute) // of keep-alives
			synctest.Wait()
			select {
			case <-done:
			default:
				t.Errorf("a stream goes on with a client of which deadline %d cannot be set", n)
			}
			w.hangUp()
			<-done
			equal(t, "attached afterwards", s.Info().Attached, 0)
		})
	}
}

package fuzz_test

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A managerRun does the same to a manager and to a plainManager, in a bubble where time is fake,
// and compares.
type managerRun struct {
	*testing.T
	script
	real     *shard.Manager
	plain    *plainManager
	sessions []sessions
	streams  []stream
	cursors  []cursors
	logs     []*plainLog // of the cursors
	count    int

	mu    sync.Mutex
	ended []shard.Info // what OnEnd was told
}

// sessions are the same session in both.
type sessions struct {
	real  *shard.Session
	plain *plainSession
}

// A stream is open until it is detached.
type stream struct {
	session *plainSession
	detach  func()
}

// newManagerRun lets the script choose the configuration.
func newManagerRun(t *testing.T, input []byte) *managerRun {
	r := &managerRun{T: t, script: script{input}}
	cfg := shard.Config{
		Shards:          choose(&r.script, 1, 2, 4),
		MaxSessions:     choose(&r.script, 4, -1, 1, 7),
		MaxBytes:        choose[int64](&r.script, -1, 4000, 1000, 400),
		MaxPerPrincipal: choose(&r.script, -1, 1, 2),
		MaxAttached:     choose(&r.script, -1, 1, 2),
		TTL: choose(&r.script, 10*time.Second, time.Hour, -1, 50*time.Millisecond, 19*time.Second,
			40*time.Second),
		Linger: choose(&r.script, time.Minute, -1, 5*time.Second, 20*time.Millisecond),
		Tick:   choose(&r.script, 100*time.Millisecond, time.Millisecond, time.Second, time.Minute),
		OnEnd:  r.onEnd,
		Ring: ring.Config{
			MaxEvents:     choose(&r.script, 4, 1, 20),
			MaxBytes:      choose(&r.script, 5000, 300),
			MaxEventBytes: choose(&r.script, 1000, 100),
		},
	}
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.real, r.plain = m, newPlainManager(cfg, time.Now())
	return r
}

func (r *managerRun) onEnd(i shard.Info) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, i)
}

// pass lets time pass. What was due a second ago (and a Tick, where Linger is what has ended) must
// have happened by itself; then every session is asked whether it has ended, which it must have
// when it is overdue, and must not have when it cannot be due.
func (r *managerRun) pass(d time.Duration) {
	r.Helper()
	time.Sleep(d)
	synctest.Wait()
	r.plain.now = time.Now()
	for _, s := range r.sessions {
		since, due := r.plain.overdue(s.plain)
		if s.plain.status == shard.Finished {
			since = since.Add(r.plain.cfg.Tick)
		}
		if due && r.plain.now.Sub(since) >= time.Second && !isDone(s.real) {
			r.Fatalf("%s should have ended by itself %v ago", s.plain.id, r.plain.now.Sub(since))
		}
	}
	r.settle()
}

// settle asks every session whether it has ended.
func (r *managerRun) settle() {
	r.Helper()
	for _, s := range r.sessions {
		if s.plain.ended {
			continue
		}
		_, due := r.plain.overdue(s.plain)
		may := r.plain.mayExpire(s.plain)
		ended := errors.Is(s.real.Err(), shard.ErrNotFound)
		if ended && !due && !may || due && !ended {
			r.Fatalf("%s, %v, idle for %v, has ended: %v, want %v", s.plain.id, s.plain.status,
				r.plain.now.Sub(s.plain.activity), ended, due)
		}
		if ended {
			r.plain.expire(s.plain)
		}
	}
	synctest.Wait()
}

func isDone(s *shard.Session) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// want fails unless err is the wanted error, or nil for nil.
func (r *managerRun) want(what string, err, want error) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Fatalf("%s: error %v, want %v", what, err, want)
	}
}

// adopt goes by the real session's last activity after something of which the design does not say
// whether it is activity.
func (r *managerRun) adopt(s sessions) {
	r.Helper()
	if at := s.real.Info().LastActivity; at.Equal(r.plain.now) {
		s.plain.activity = r.plain.now
	}
}

// check compares everything that can be asked for without being activity.
func (r *managerRun) check() {
	r.Helper()
	want, totalAtMost := r.plain.stats()
	got := r.real.Stats()
	if got.Total > want.Total && got.Total <= totalAtMost {
		want.Total = got.Total
	}
	want.Memory, want.Replayed, want.GapsBy, want.Refused = got.Memory, 0, got.GapsBy, got.Refused
	if got != want {
		r.Fatalf("Stats are %+v, want %+v", got, want)
	}
	for _, s := range r.sessions {
		r.checkInfo(s.real.Info(), s.plain.info())
		if isDone(s.real) != s.plain.ended {
			r.Fatalf("Done of %s, ended %v, says otherwise", s.plain.id, s.plain.ended)
		}
	}
	r.checkSessions()
}

func (r *managerRun) checkSessions() {
	r.Helper()
	var got, want []string
	for s := range r.real.Sessions() {
		got = append(got, s.ID())
	}
	for _, s := range r.plain.all {
		if !s.ended {
			want = append(want, s.id)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.Fatalf("Sessions are %v, want %v", got, want)
	}
}

func (r *managerRun) checkInfo(got, want shard.Info) {
	r.Helper()
	if !got.Created.Equal(want.Created) || !got.LastActivity.Equal(want.LastActivity) {
		r.Fatalf("Info has the times %v and %v, want %v and %v", got.Created, got.LastActivity, want.Created,
			want.LastActivity)
	}
	got.Created, got.LastActivity = want.Created, want.LastActivity
	if !reflect.DeepEqual(got, want) {
		r.Fatalf("Info is %+v, want %+v", got, want)
	}
}

// finish closes the manager and wants that everything has ended, once, and everything afterwards is
// refused.
func (r *managerRun) finish() {
	r.Helper()
	r.close()
	for _, s := range r.sessions {
		r.want("Append after Close", appendErr(s.real), shard.ErrNotFound)
	}
	_, err := r.real.Create(shard.Metadata{})
	r.want("Create after Close", err, shard.ErrClosed)
	if len(r.ended) != len(r.plain.all) {
		r.Fatalf("OnEnd was called for %d of %d sessions", len(r.ended), len(r.plain.all))
	}
	byTransport := map[string]shard.Info{} // which no two sessions share
	for _, i := range r.ended {
		byTransport[i.Transport] = i
	}
	for _, s := range r.plain.all {
		got := byTransport[s.md.Transport]
		want := s.info()
		want.Log, want.Attached = s.log.stats(), got.Attached // streams come and go while OnEnd is on its way
		r.checkInfo(got, want)
	}
}

func appendErr(s *shard.Session) error {
	_, err := s.Append(ring.Event{})
	return err
}

func (r *managerRun) close() {
	r.Helper()
	if err := r.real.Close(); err != nil {
		r.Fatal(err)
	}
	r.plain.closed = true
	for _, s := range r.plain.all {
		if !s.ended {
			r.plain.end(s, shard.Terminated, r.plain.now, r.plain.now)
		}
	}
}

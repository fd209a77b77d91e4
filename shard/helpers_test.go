package shard_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// newManager makes a manager that is closed with the test.
var newManager = shardtest.New

// inTime runs a test on a fake clock.
func inTime(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func create(t testing.TB, m *shard.Manager, id string) *shard.Session {
	t.Helper()
	return shardtest.Create(t, m, id, "")
}

func store(t testing.TB, s *shard.Session, data ...string) (stored []ring.Event) {
	t.Helper()
	for _, d := range data {
		e, err := s.Append(ring.Event{Data: []byte(d)})
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, e)
	}
	return stored
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// read returns the data of what the cursor has to give.
func read(c ring.Cursor) string {
	var got []string
	for e := (ring.Event{}); c.Next(&e); {
		got = append(got, string(e.Data))
	}
	return strings.Join(got, " ")
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sleep lets the fake clock advance, and everybody do what is then due.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// together runs f on n goroutines that start at the same moment, and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// endLog collects the Infos of OnEnd calls.
type endLog struct {
	mu    sync.Mutex
	infos map[string][]shard.Info
}

func (l *endLog) add(i shard.Info) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.infos == nil {
		l.infos = map[string][]shard.Info{}
	}
	l.infos[i.ID] = append(l.infos[i.ID], i)
}

func (l *endLog) of(id string) []shard.Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.infos[id]
}

// refusals are all ways to use a session that say whether it is there.
func refusals(m *shard.Manager, s *shard.Session) map[string]error {
	_, get := m.Get(s.ID())
	_, authorize := m.Authorize(s.ID(), "")
	_, appended := s.Append(ring.Event{})
	_, seek := s.Seek("")
	_, attach := s.Attach()
	return map[string]error{
		"Get":       get,
		"Authorize": authorize,
		"Append":    appended,
		"Seek":      seek,
		"Attach":    attach,
		"Touch":     s.Touch(),
		"Update":    s.Update(func(*shard.Metadata) {}),
		"Finish":    s.Finish(),
		"Err":       s.Err(),
	}
}

func wantRefused(t testing.TB, m *shard.Manager, s *shard.Session) {
	t.Helper()
	for what, err := range refusals(m, s) {
		wantErr(t, what, err, shard.ErrNotFound)
	}
	if got := read(s.Tail()); got != "" {
		t.Errorf("Tail of an ended session reads %q", got)
	}
	for other := range m.Sessions() {
		if other == s {
			t.Errorf("Sessions yields %s", s.ID())
		}
	}
}

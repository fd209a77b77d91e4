package prometheus

import (
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// newManager makes a manager that is closed with the test.
var newManager = shardtest.New

// registered returns a registry that also checks that what is collected was described.
func registered(t testing.TB, collectors ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// busy is a manager and a handler of which every metric has something to tell.
func busy(t testing.TB) (*shard.Manager, *replay.Handler) {
	t.Helper()
	m := newManager(t, shard.Config{MaxSessions: 50, MaxBytes: 1 << 20, Ring: ring.Config{MaxEvents: 3}})
	h := &replay.Handler{Store: replay.Local(m), Retry: -1}
	s := shardtest.Create(t, m, "s", "")
	for i := range 5 {
		if _, err := s.Append(ring.Event{ID: string(rune('a' + i)), Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	s.Append(ring.Event{ID: "e"}) // a duplicate
	s.Append(ring.Event{Type: "a\nb"})
	s.Append(ring.Event{Data: make([]byte, 1<<20+1)})
	s.Claim("a")
	s.Claim("a")
	m.CreateWithID("s", shard.Metadata{})
	m.CreateWithID("a b", shard.Metadata{})
	m.Create(shard.Metadata{Transport: "\xff"})
	m.Get("unknown")
	m.Authorize("s", "somebody")
	shardtest.Create(t, m, "ended", "").Terminate()
	serve := func(method, query, lastEventID string) {
		r := httptest.NewRequest(method, "/?"+query, nil)
		r.Header.Set("Last-Event-ID", lastEventID)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	serve("GET", "session=s", "a") // evicted, as far as anybody can tell
	serve("POST", "session=s", "")
	s.Finish()
	s.Append(ring.Event{})
	serve("GET", "session=s", "c") // reads d and e to the end
	if _, err := s.Attach(); err != nil {
		t.Fatal(err)
	}
	return m, h
}

// exported returns the names of all metrics.
func exported(t testing.TB, g prometheus.Gatherer) (names []string) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		names = append(names, f.GetName())
	}
	return names
}

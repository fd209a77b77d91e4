package interop

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/inspector"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A stage is an Inspector on sessions that are in every kind of trouble, behind a proxy, in a
// browser.
type stage struct {
	*tab
	manager *shard.Manager
	seen    *tap
	proxy   *proxy.Proxy
	url     string         // of the Inspector
	slow    *shard.Session // whose follower is lagging
}

const (
	staged       = 1200 // sessions
	stagedEvents = 500  // a second, in all
)

func newStage(t *testing.T, size [2]int64) *stage {
	m := newManager(t, shard.Config{Health: shard.Thresholds{Unread: time.Second, Window: time.Hour}})
	inspect := &inspector.Handler{Manager: m}
	st := &stage{manager: m, seen: &tap{next: inspect}}
	server := &http.Server{Handler: st.seen}
	addr := listenAndServe(t, server, inspect.Close)
	st.proxy = proxy.New(t, addr)
	st.url = st.proxy.URL() + "/inspector/"
	st.play(t)
	st.tab = newTab(t, "")
	st.watchForErrors(t)
	st.resize(t, size[0], size[1])
	return st
}

// play fills the stage, and keeps it moving until the test ends.
func (st *stage) play(t *testing.T) {
	var all []*shard.Session
	for i := range staged {
		s, err := st.manager.Create(
			shard.Metadata{Principal: fmt.Sprintf("user-%04d", i), Transport: []string{"sse", "http"}[i%2]},
		)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, s, i%7)
		all = append(all, s)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { stop(); running.Wait() })
	for _, s := range all[:staged*3/4] {
		accompany(ctx, &running, s)
	}
	st.slow = st.trouble(t)
	accompany(ctx, &running, st.slow)
	running.Go(func() { st.move(ctx, all) })
}

func accompany(ctx context.Context, running *sync.WaitGroup, s *shard.Session) {
	running.Go(func() {
		for _, err := range replay.Follow(ctx, s, "") {
			if err != nil {
				return
			}
		}
	})
}

// trouble makes sessions that are lagging, overtaken and evicting, and returns the first.
func (st *stage) trouble(t *testing.T) *shard.Session {
	make := func(name string, behind, events int) *shard.Session {
		s, err := st.manager.CreateWith(
			shard.Options{
				Metadata: shard.Metadata{Principal: name, Transport: "sse"},
				Ring:     ring.Config{MaxEvents: 400},
			},
		)
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.AttachReader()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Detach)
		for i := range events {
			e := ring.Event{
				Stream: fmt.Sprint("answer-", i%3),
				Type:   "token",
				Data:   fmt.Appendf(nil, `{"token":"secret %d"}`, i),
			}
			if _, err := s.Append(e); err != nil {
				t.Fatal(err)
			}
		}
		f.ReadUpTo(uint64(events - behind))
		return s
	}
	make("evicting-only", 0, 900)
	make("overtaken-client", 600, 900)
	return make("lagging-client", 330, 390)
}

// move appends events to sessions at random, more and fewer as in a day.
func (st *stage) move(ctx context.Context, all []*shard.Session) {
	const beat = 20 * time.Millisecond
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		swell := 1 + 0.5*math.Sin(float64(n)/400) + 0.15*rand.Float64()
		for range int(swell * stagedEvents * beat.Seconds()) {
			s := all[rand.IntN(staged*3/4)]
			if _, err := s.Append(ring.Event{Type: "token", Data: []byte("a secret payload")}); err != nil {
				return
			}
		}
		if n%50 == 0 {
			st.slow.Append(ring.Event{Stream: "answer-0", Type: "token", Data: []byte("a secret payload")})
		}
	}
}

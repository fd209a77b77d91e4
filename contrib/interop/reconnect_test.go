package interop

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// hammer sends requests as fast as it can, each on a connection of its own, from several clients at
// once; it reads the first bytes of the answer and hangs up.
func hammer(t *testing.T, addr string, clients, times int, request func(i int) string) {
	t.Helper()
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := range times {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				conn.(*net.TCPConn).SetLinger(0) // a port that waits would be one less for the next
				conn.SetDeadline(time.Now().Add(testkit.Patience))
				if _, err := conn.Write([]byte(request(i))); err == nil {
					conn.Read(make([]byte, 64))
				}
				conn.Close()
			}
		})
	}
	wg.Wait()
}

// A client that reconnects in a tight loop, each time for a replay of everything, gets what it asks
// for and leaves nothing behind; who else follows the session misses nothing. How often a client
// may connect is for the embedder to limit.
func TestAClientThatReconnectsInATightLoop(t *testing.T) {
	const events = 500
	m := newManager(t, shard.Config{MaxAttached: 8})
	s := create(t, m, "s", "")
	stored := fill(t, s, events)
	h := &replay.Handler{Store: replay.Local(m)}
	addr := listen(t, h, h.Close)
	reading, hangUp := follow(t, http.DefaultClient, "http://"+addr+"/?session=s", stored[events-1].ID)
	defer http.DefaultClient.CloseIdleConnections()
	defer hangUp()
	goroutines, memory := runtime.NumGoroutine(), m.Stats().Memory

	live := make(chan []ring.Event, 1)
	go func() { live <- fillWhile(s, events) }()
	hammer(t, addr, 4, 250, func(i int) string {
		return request("GET", "/?session=s", "", "Last-Event-ID: "+stored[i%2*(events-2)].ID)
	})
	want(t, reading, <-live...)
	testkit.Eventually(t, "nothing of it is left", func() bool {
		return s.Info().Attached == 1 && runtime.NumGoroutine() <= goroutines+5
	})
	if now := m.Stats(); now.Memory > 2*memory+events*1024 {
		t.Errorf("memory was %d and is %d", memory, now.Memory)
	}
}

// fillWhile is fill for another goroutine than the test's.
func fillWhile(s *shard.Session, n int) (events []ring.Event) {
	for i := range n {
		if e, err := s.Append(ring.Event{Data: fmt.Appendf(nil, "live %d", i)}); err == nil {
			events = append(events, e)
		}
	}
	return events
}

// What is refused in a tight loop makes no sessions, keeps none alive and attaches to none.
func TestRefusedRequestsInATightLoopLeaveNoTrace(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "alice")
	before := s.Info()
	h := &replay.Handler{Store: replay.Local(m), Principal: user}
	addr := listen(t, h, h.Close)
	hammer(t, addr, 4, 300, func(i int) string {
		return request(
			[]string{"GET", "DELETE"}[i%2],
			fmt.Sprint("/?session=", []string{"s", fmt.Sprint(i)}[i/2%2]),
			"mallory",
		)
	})
	wantUntouched(t, before, s.Info())
	if stats := m.Stats(); stats.Total != 1 {
		t.Errorf("%+v", stats)
	}
}

// Each initialize makes a session, until there are as many as the embedder allows; a limit for each
// principal leaves room for others.
func TestAFloodOfMCPSessionsStopsAtTheLimit(t *testing.T) {
	const limit = 20
	b := newMCPServer(t, shard.Config{MaxPerPrincipal: limit})
	hammer(t, b.addr, 4, 100, func(int) string { return post("", "mallory", initialize) })
	if stats := b.manager.Stats(); stats.Active != limit {
		t.Errorf("%+v", stats)
	}
	begin(t, b, "alice")
	testkit.Eventually(t, "the SDK keeps no session that the Store does not", func() bool {
		kept := 0
		for range b.server.Sessions() {
			kept++
		}
		return kept == b.manager.Stats().Active
	})
}

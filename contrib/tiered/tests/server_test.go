package tests

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A server is a redis-server of the test's own.
type server struct {
	addr    string
	process *exec.Cmd
}

func newServer(t testing.TB) *server {
	t.Helper()
	addr := testkit.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatalf("redis-server is missing, make test installs it: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGCONT)
		cmd.Process.Kill()
		cmd.Wait()
	})
	testkit.Eventually(t, "redis-server listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return &server{addr, cmd}
}

func (s *server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

var prefixes atomic.Int64

// newRedis returns a Store behind, on a prefix of its own unless cfg has one.
func newRedis(t testing.TB, addr string, cfg redis.Config) replay.Store {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if cfg.Prefix == "" {
		cfg.Prefix = fmt.Sprint("p", prefixes.Add(1))
	}
	s, err := redis.New(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newTiered(t testing.TB, back replay.Store, cfg tiered.Config) *tiered.Store {
	t.Helper()
	s, err := tiered.New(back, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// stored reads what a Store has of a session.
func stored(t testing.TB, s replay.Store, id string, at replay.Position) []ring.Event {
	t.Helper()
	r, err := s.Open(context.Background(), id, at)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	events, err := replay.Drain(r)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func create(t testing.TB, s replay.Store, id string) {
	t.Helper()
	if _, err := s.Create(t.Context(), id, shard.Metadata{}); err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, s replay.Store, id, data string) ring.Event {
	t.Helper()
	e, err := s.Append(t.Context(), id, ring.Event{Data: []byte(data)})
	if err != nil {
		t.Fatalf("Append of %q: %v", data, err)
	}
	return e
}

func texts(events []ring.Event) (all []string) {
	for _, e := range events {
		all = append(all, string(e.Data))
	}
	return all
}

const moment = 50 * time.Millisecond

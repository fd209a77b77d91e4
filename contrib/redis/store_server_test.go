package redis

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// startServer starts a redis-server of the test's own and returns its address.
func startServer(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	l.Close()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("apt-get install -y --no-install-recommends redis-server: %v", err)
	}
	// It ends when its input does: with us, however we end.
	cmd := exec.Command("sh", "-c", `redis-server "$@" </dev/null >/dev/null & cat; kill -9 $!`, "sh",
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	alive, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		alive.Close()
		cmd.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not come up: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func dial(t testing.TB, addr string) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// newStore returns a Store that shares its sessions with no other one on the server, unless cfg has a Prefix.
func newStore(t testing.TB, client rueidis.Client, cfg Config) *Store {
	t.Helper()
	orElse(&cfg.Prefix, "test-"+randomText(tagLen))
	s, err := New(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// beside returns another Store with the sessions of s.
func beside(t testing.TB, s *Store) *Store {
	t.Helper()
	cfg := s.cfg
	if cfg.Linger == 0 { // which is not the default any more
		cfg.Linger = -1
	}
	return newStore(t, s.client, cfg)
}

// keysOf returns the names of all keys that a Store has.
func keysOf(t testing.TB, s *Store) []string {
	t.Helper()
	keys, err := s.client.Do(context.Background(), s.client.B().Keys().Pattern("{"+s.cfg.Prefix+"*").Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func call(t testing.TB, s *Store, command ...string) string {
	t.Helper()
	m, err := s.client.Do(context.Background(), s.client.B().Arbitrary(command...).Build()).ToAny()
	if err != nil && !rueidis.IsRedisNil(err) {
		t.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	return fmt.Sprint(m)
}

package redis_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
)

const patience = redis.Patience

var eventually = redis.Eventually

// program returns where a program of a Debian package is.
func program(t testing.TB, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install -y --no-install-recommends %s", name, pkg)
	}
	return path
}

// A server is a redis-server of the test's own on a loopback port, with its files in a temporary
// directory. It ends with the test.
type server struct {
	t       testing.TB
	addr    string
	bus     string // the port on which it talks to other servers of a cluster
	args    []string
	mu      sync.Mutex
	process *redis.Process // nil: not running
}

// newServer starts a redis-server with these settings: "name value" each.
func newServer(t testing.TB, settings ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{
		t: t,
		args: []string{
			"--dir", dir, "--save", "", "--logfile", filepath.Join(dir, "log"), "--repl-diskless-sync-delay", "0",
		},
	}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, " ")
		s.args = append(s.args, "--"+name, value)
	}
	t.Cleanup(func() {
		s.kill()
		if log, err := os.ReadFile(filepath.Join(dir, "log")); t.Failed() && err == nil {
			t.Logf("redis-server on %s said:\n%s", s.addr, log[max(0, len(log)-1000):])
		}
	})
	fixed := s.args
	for range 10 {
		port := redis.FreePort(t)
		s.addr, s.bus = "127.0.0.1:"+port, redis.FreePort(t)
		s.args = append(slices.Clip(fixed), "--cluster-port", s.bus)
		if s.process = redis.Start(t, port, s.args...); s.process != nil {
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

func (s *server) port() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return port
}

// start starts the server again with the same files, and waits until it serves.
func (s *server) start() {
	s.t.Helper()
	p := redis.Start(s.t, s.port(), s.args...)
	if p == nil {
		s.t.Fatal("redis-server does not start again")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process = p
}

// kill ends the server at once, without a chance to write anything.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}

// pause stops the server's process, as a machine does that hangs; resume lets it go on.
func (s *server) pause()  { s.signal(syscall.SIGSTOP) }
func (s *server) resume() { s.signal(syscall.SIGCONT) }

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.process.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// cli runs one command on the server and returns what redis-cli prints.
func (s *server) cli(args ...string) string {
	s.t.Helper()
	out := s.try(args...)
	if strings.HasPrefix(out, "ERR") || strings.Contains(out, "Could not connect") {
		s.t.Fatalf("%v on %s: %s", args, s.addr, out)
	}
	return out
}

func (s *server) try(args ...string) string {
	out, _ := exec.Command(program(s.t, "redis-cli", "redis-tools"), append([]string{"-p", s.port()}, args...)...).
		CombinedOutput()
	return strings.TrimSpace(string(out))
}

// info returns a field of INFO.
func (s *server) info(field string) string {
	s.t.Helper()
	for line := range strings.Lines(s.cli("INFO")) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	s.t.Fatalf("INFO of %s has no %s", s.addr, field)
	return ""
}

// newClient returns a client of its own to the servers at these addresses.
func newClient(t testing.TB, addrs ...string) rueidis.Client {
	t.Helper()
	return newClientWith(t, rueidis.ClientOption{InitAddress: addrs})
}

func newClientWith(t testing.TB, options rueidis.ClientOption) rueidis.Client {
	t.Helper()
	options.DisableCache = true
	if options.ConnWriteTimeout == 0 {
		options.Dialer.Timeout, options.Dialer.KeepAlive = time.Second, time.Second
		options.ConnWriteTimeout = 2 * time.Second // without an answer for so long, a connection is taken for broken
	}
	var client rueidis.Client
	eventually(t, "the client is connected", func() (ok bool) {
		var err error
		client, err = rueidis.NewClient(options)
		return err == nil
	})
	t.Cleanup(client.Close)
	return client
}

// newStore returns a Store on a client of its own.
func newStore(t testing.TB, cfg redis.Config, addrs ...string) *redis.Store {
	t.Helper()
	return newStoreOn(t, cfg, newClient(t, addrs...))
}

func newStoreOn(t testing.TB, cfg redis.Config, client rueidis.Client) *redis.Store {
	t.Helper()
	s, err := redis.New(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func wantNoErr(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

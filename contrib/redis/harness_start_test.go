package redis

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What both test packages of this directory need: servers, and patience.

// Patience is how long a test waits for what must happen. It is reached by failing tests alone.
const Patience = 2 * time.Minute

// Eventually polls until ok.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", Patience, what)
		}
	}
}

// InTime runs attempt until it was fast enough to tell: what holds for some time alone can be seen
// only by one who looks before it is over. An attempt that was too slow returns false, and the next
// one has twice the time.
func InTime(t testing.TB, unit time.Duration, attempt func(unit time.Duration) bool) {
	t.Helper()
	for range 5 {
		if attempt(unit) {
			return
		}
		unit *= 2
	}
	t.Fatalf("attempts with units of up to %v were too slow, or what was to happen in time did not", unit/2)
}

// A Process is a redis-server that runs. It ends with the tests, however they end.
type Process struct {
	*exec.Cmd
	ended chan struct{}
}

// Start starts a redis-server with these arguments on a port of 127.0.0.1, and waits until it
// serves. It returns nil when it ends instead, as when the port is taken.
func Start(t testing.TB, port string, args ...string) *Process {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is missing: apt-get install -y --no-install-recommends redis-server")
	}
	p := &Process{
		exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1"}, args...)...), make(chan struct{}),
	}
	EndWithUs(p.Cmd)
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.Wait()
	}()
	up := false
	Eventually(t, "redis-server serves or ends", func() bool {
		select {
		case <-p.ended:
			return true
		default:
		}
		up = p.serves("127.0.0.1:" + port)
		return up
	})
	if !up {
		return nil
	}
	return p
}

// Kill ends the server at once, without a chance to write anything.
func (p *Process) Kill() {
	p.Cmd.Process.Kill()
	<-p.ended
}

// serves reports whether it is this server that answers at addr, and has its data.
func (p *Process) serves(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(conn, "INFO\r\nQUIT\r\n")
	info, err := io.ReadAll(conn)
	return err == nil && strings.Contains(string(info), fmt.Sprintf("\nprocess_id:%d\r", p.Process.Pid)) &&
		strings.Contains(string(info), "\nloading:0\r")
}

// FreePort returns a port that nobody listens on. It lies below those that outgoing connections
// get, so that none of these takes it from a server that is restarted. Another process may: what is
// started on it is to be tried again on another.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}
